import type { FleetJournal, History } from "../../core/fleet.ts";
import { hourMs, hourOf } from "../history.ts";
import { lockForWriting } from "./schema.ts";
import type { Session } from "./session.ts";

/** What hosts tell of their jails: they count their own bans. */
export function historyLedger({ atomically }: Session, aheadMs: () => number): Pick<FleetJournal, "tell"> {
  return {
    tell: (host, { jails, hours }) =>
      atomically(async (run) => {
        await lockForWriting(run);
        await run(
          `DELETE FROM jails j WHERE host = $1 AND NOT EXISTS (
             SELECT 1 FROM jsonb_to_recordset($2::jsonb) AS t(profile text, jail text)
             WHERE t.profile = j.profile AND t.jail = j.jail)`,
          [host, jails],
        );
        await run(
          `INSERT INTO jails AS j (host, profile, jail, bans)
           SELECT $1, profile, jail, bans FROM jsonb_to_recordset($2::jsonb) AS t(profile text, jail text, bans bigint)
           ON CONFLICT (host, profile, jail) DO UPDATE SET bans = excluded.bans WHERE j.bans <> excluded.bans`,
          [host, jails],
        );
        const shifted: History["hours"] = hours.map((hour) => ({
          ...hour,
          // The nearest hour of the database's clock.
          startAt: hourOf(hour.startAt + aheadMs() + hourMs / 2),
        }));
        const oldest = Math.min(...shifted.map(({ startAt }) => startAt), Number.MAX_SAFE_INTEGER);
        await run("DELETE FROM bans WHERE host = $1 AND start_at < $2", [host, oldest]);
        await run(
          `INSERT INTO bans AS b (host, jail, start_at, bans)
           SELECT $1, jail, "startAt", sum(bans) FROM jsonb_to_recordset($2::jsonb) AS t(jail text, "startAt" bigint, bans bigint)
           GROUP BY jail, "startAt"
           ON CONFLICT (host, jail, start_at) DO UPDATE SET bans = excluded.bans WHERE b.bans <> excluded.bans`,
          [host, shifted],
        );
      }),
  };
}
