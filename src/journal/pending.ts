import type { Database } from "bun:sqlite";

/**
 * Puts a network on the list of what may differ at the edge, among the bans as long as anybody holds it. The row is
 * replaced, never changed: its new AUTOINCREMENT key is the generation that tells a delivery under way that the wish
 * has changed.
 */
export function markPending(
  db: Database,
): (profile: string, network: string, ban: boolean, now: number) => void {
  const insert = db.query(
    `INSERT OR REPLACE INTO pending (profile, network, ban, since_at) VALUES ($profile, $network,
       $ban OR EXISTS (SELECT 1 FROM holds WHERE network = $network AND profile = $profile), $now)`,
  );
  return (profile, network, ban, now) => {
    insert.run({ profile, network, ban: ban ? 1 : 0, now });
  };
}
