import type { Run } from "./session.ts";

export interface Mark {
  readonly profile: string;
  readonly network: string;
  readonly ban: boolean;
}

/**
 * Puts the networks of a query `m (profile, network, ban)` on the list of what may differ at the edge, each once, among
 * the bans as long as anybody holds it. Each gets a new generation, which tells a delivery under way that the wish has
 * changed. `now` is the moment's parameter.
 */
export function pendingFrom(query: string, now: string): string {
  return `INSERT INTO pending (profile, network, ban, since_at)
    SELECT profile, network, ban OR EXISTS (
      SELECT 1 FROM holds h WHERE h.network = m.network AND h.profile = m.profile), ${now} FROM ${query}
    ON CONFLICT (profile, network) DO UPDATE SET generation = excluded.generation, ban = excluded.ban,
      since_at = excluded.since_at, attempts = 0, retry_at = 0, reason = NULL, parked = false`;
}

/** Puts networks on the list of what may differ at the edge, in this order. */
export async function markPending(run: Run, marks: readonly Mark[], now: number): Promise<void> {
  if (marks.length === 0) return;
  // A statement cannot write the same row twice: the last mark of a network is the one that counts.
  const last = [...new Map(marks.map((mark) => [`${mark.network} ${mark.profile}`, mark])).values()];
  await run(
    pendingFrom("jsonb_to_recordset($1::jsonb) AS m(profile text, network text, ban boolean)", "$2"),
    [last, now],
  );
}
