import { Failure } from "../../errors.ts";
import type { FleetJournal, Host } from "../../core/fleet.ts";
import { quoted } from "../../core/text.ts";
import { markPending } from "./pending.ts";
import type { Mark } from "./pending.ts";
import { clock, hostLocks, lockForWriting } from "./schema.ts";
import type { Session } from "./session.ts";

/** A host that was not seen for this long does not end its own holds any more: the courier does. */
const absentMs = 600_000;

const isAbsent = `hosts.seen_at < ${clock} - ${absentMs}`;

/** The hosts, and the ends of what absent ones hold. */
export function hostLedger({
  run,
  atomically,
}: Session): Pick<FleetJournal, "enter" | "beat" | "hosts" | "retire" | "nextEndAt" | "sweep" | "hasten"> {
  return {
    async enter(host) {
      const [entered] = await run<{ alone: boolean }>(
        `WITH own AS (
           INSERT INTO hosts (host, seen_at) VALUES ($1, ${clock})
           ON CONFLICT (host) DO UPDATE SET seen_at = excluded.seen_at, retired = false RETURNING id)
         SELECT pg_try_advisory_lock(${hostLocks}, id) AS alone FROM own`,
        [host],
      );
      return entered?.alone === true;
    },
    async beat(host) {
      await run(`UPDATE hosts SET seen_at = ${clock} WHERE host = $1`, [host]);
    },
    hosts: () =>
      run<Host>(
        `SELECT host, seen_at::float8 AS "seenAt", (SELECT count(*)::int FROM (
           SELECT DISTINCT profile, jail, address FROM holds WHERE holds.host = hosts.host) h) AS holds
         FROM hosts WHERE NOT retired ORDER BY host`,
      ),
    retire: (host) =>
      atomically(async (own) => {
        await lockForWriting(own);
        const [known] = await own<{ alone: boolean }>(
          `SELECT pg_try_advisory_xact_lock(${hostLocks}, id) AS alone FROM hosts WHERE host = $1 AND NOT retired`,
          [host],
        );
        if (known === undefined) return null;
        if (!known.alone) {
          throw new Failure("usage", `Cannot retire ${quoted(host)}: it is connected`, {
            hint: "fail2ban-cloudflare uninstall, on that host",
          });
        }
        const gone = await own<Ended>(`DELETE FROM holds WHERE host = $1 RETURNING ${endedColumns}`, [host]);
        const [told] = await own<{ now: number }>(
          `UPDATE hosts SET retired = true, changes = changes + 1 WHERE host = $1 RETURNING (${clock})::float8 AS now`,
          [host],
        );
        for (const table of ["jails", "bans"]) await own(`DELETE FROM ${table} WHERE host = $1`, [host]);
        await markPending(own, gone.map(letGo), told?.now ?? 0);
        return countOf(gone);
      }),
    async hasten(latestAt) {
      await run(
        `UPDATE holds SET release_at = $1 FROM hosts WHERE holds.host = hosts.host AND ${isAbsent} AND release_at > $1`,
        [latestAt],
      );
    },
    async nextEndAt(slackMs) {
      const [row] = await run<{ at: number | null }>(
        `SELECT min(least(until_at + $1, release_at))::float8 AS at FROM hosts CROSS JOIN LATERAL (
           SELECT min(until_at) AS until_at, min(release_at) AS release_at FROM holds WHERE holds.host = hosts.host) h
         WHERE ${isAbsent}`,
        [slackMs],
      );
      return row?.at ?? null;
    },
    sweep: (now, { slackMs }) =>
      atomically(async (own) => {
        await lockForWriting(own);
        const gone = await own<Ended>(
          `DELETE FROM holds USING hosts
           WHERE holds.host = hosts.host AND ${isAbsent} AND (release_at <= $1 OR until_at <= $1::bigint - $2::bigint)
           RETURNING ${endedColumns}`,
          [now, slackMs],
        );
        await markPending(own, gone.map(letGo), now);
        return countOf(gone);
      }),
  };
}

interface Ended {
  readonly profile: string;
  readonly network: string;
  readonly hold: string;
}

const endedColumns =
  "holds.profile, holds.network, concat_ws(' ', holds.host, holds.profile, holds.jail, holds.address) AS hold";

function letGo({ profile, network }: Ended): Mark {
  return { profile, network, ban: false };
}

/** Holds, not their networks. */
function countOf(gone: readonly Ended[]): number {
  return new Set(gone.map(({ hold }) => hold)).size;
}
