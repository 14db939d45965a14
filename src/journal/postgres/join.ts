import type { Changed, FleetJournal, JoinedHold } from "../../core/fleet.ts";
import { markPending } from "./pending.ts";
import { clock, lockForWriting } from "./schema.ts";
import type { Run, Session } from "./session.ts";

interface Key {
  readonly profile: string;
  readonly network: string;
}

const holdColumns = `profile text, network text, jail text, address text, mode text,
  "heldAt" bigint, "untilAt" bigint, "releaseAt" bigint`;
const sameHold = `h.host = $1 AND h.network = w.network AND h.profile = w.profile AND h.jail = w.jail
  AND h.address = w.address AND h.mode = w.mode`;

/** How what hosts hold comes into the journal. */
export function joining({ run, atomically }: Session): Pick<FleetJournal, "join" | "heldFor"> {
  return {
    join: (host, read) =>
      atomically(async (own) => {
        await lockForWriting(own);
        const changed = read();
        if (changed.length > 0) await replaceHolds(own, host, changed);
        return changed;
      }),
    heldFor: (host) =>
      run<JoinedHold>(
        `SELECT profile, network, jail, address, mode, held_at::float8 AS "heldAt",
           until_at::float8 AS "untilAt", release_at::float8 AS "releaseAt"
         FROM holds WHERE host = $1`,
        [host],
      ),
  };
}

/** What was held of these networks by the host goes, what is now held comes; only what differs becomes pending. */
async function replaceHolds(run: Run, host: string, changed: readonly Changed[]): Promise<void> {
  const [met] = await run<{ now: number }>(
    `INSERT INTO hosts (host, seen_at, changes) VALUES ($1, ${clock}, 1)
     ON CONFLICT (host) DO UPDATE SET seen_at = excluded.seen_at, changes = hosts.changes + 1, retired = false
     RETURNING seen_at::float8 AS now`,
    [host],
  );
  const networks = changed.map(({ profile, network }) => ({ profile, network }));
  const holds = changed.flatMap((one) => one.holds);
  const gone = await run<Key>(
    `DELETE FROM holds h USING jsonb_to_recordset($2::jsonb) AS n(profile text, network text)
     WHERE h.host = $1 AND h.network = n.network AND h.profile = n.profile AND NOT EXISTS (
       SELECT 1 FROM jsonb_to_recordset($3::jsonb) AS w(${holdColumns}) WHERE ${sameHold})
     RETURNING h.profile, h.network`,
    [host, networks, holds],
  );
  await run(
    `UPDATE holds h SET until_at = w."untilAt", release_at = w."releaseAt"
     FROM jsonb_to_recordset($2::jsonb) AS w(${holdColumns})
     WHERE ${sameHold} AND (h.until_at, h.release_at) IS DISTINCT FROM (w."untilAt", w."releaseAt")`,
    [host, holds],
  );
  const come = await run<Key>(
    `INSERT INTO holds (host, profile, network, jail, address, mode, held_at, until_at, release_at)
     SELECT $1, profile, network, jail, address, mode, "heldAt", "untilAt", "releaseAt"
     FROM jsonb_to_recordset($2::jsonb) AS w(${holdColumns})
     ON CONFLICT DO NOTHING RETURNING profile, network`,
    [host, holds],
  );
  const keyOf = ({ profile, network }: Key): string => `${network} ${profile}`;
  const differing = new Set([...gone, ...come].map(keyOf));
  const marks = changed.filter((one) => differing.has(keyOf(one)));
  await markPending(
    run,
    marks.map(({ profile, network, ban }) => ({ profile, network, ban })),
    met?.now ?? 0,
  );
}
