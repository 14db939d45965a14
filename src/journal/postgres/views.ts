import { slotMs, windowMs } from "../../core/budget.ts";
import type { ViewLedger } from "../../core/ports.ts";
import { pauseOf } from "../calls.ts";
import { holdView } from "../views.ts";
import type { ViewRow } from "../views.ts";
import { allPauses } from "./calls.ts";
import type { Run } from "./session.ts";

interface Counts {
  readonly holds: number;
  readonly networks: number;
  readonly atEdge: number;
  readonly pending: number;
  readonly parked: number;
  readonly oldest: number | null;
  readonly calls: number;
}

const none: Counts = { holds: 0, networks: 0, atEdge: 0, pending: 0, parked: 0, oldest: null, calls: 0 };

/** What people and monitoring ask of the journal. */
export function viewLedger(run: Run): ViewLedger {
  return {
    async summary(now) {
      const [counts] = await run<Counts>(
        `SELECT
           (SELECT count(*)::int FROM (SELECT DISTINCT profile, jail, host, address FROM holds) h) AS holds,
           (SELECT count(*)::int FROM (SELECT DISTINCT network FROM holds) n) AS networks,
           (SELECT count(*)::int FROM edge WHERE owned AND id IS NOT NULL) AS "atEdge",
           (SELECT count(*)::int FROM pending WHERE NOT parked) AS pending,
           (SELECT count(*)::int FROM pending WHERE parked) AS parked,
           (SELECT min(since_at)::float8 FROM pending WHERE NOT parked) AS oldest,
           (SELECT coalesce(sum(calls), 0)::int FROM calls WHERE start_at > $1) AS calls`,
        [now - windowMs - slotMs],
      );
      const { oldest, ...rest } = counts ?? none;
      const pauses = (await allPauses(run)).map((row) => ({ subject: row.subject, ...pauseOf(row) }));
      return { ...rest, oldestPendingAt: oldest, pauses };
    },
    async holds(jail) {
      const rows = await run<ViewRow>(
        `SELECT h.profile, h.jail, h.host, h.address, min(h.mode) AS mode, min(h.held_at)::float8 AS held_at,
           min(h.until_at)::float8 AS until_at, min(h.release_at)::float8 AS release_at,
           count(p.generation)::int AS pending, coalesce(max(p.parked::int), 0) AS parked, max(p.reason) AS reason,
           coalesce(sum(e.foreign_rules), 0)::int AS foreign_rules, string_agg(e.ids, ' ') AS ids
         FROM holds h
         LEFT JOIN pending p ON p.profile = h.profile AND p.network = h.network
         LEFT JOIN (SELECT network, sum((NOT owned)::int) AS foreign_rules, string_agg(id, ' ') AS ids
                    FROM edge GROUP BY network) e ON e.network = h.network
         WHERE $1::text IS NULL OR h.jail = $1
         GROUP BY h.profile, h.jail, h.host, h.address ORDER BY min(h.held_at), h.address, h.jail, h.host`,
        [jail],
      );
      return rows.map(holdView);
    },
    async progress(profile, network) {
      const [row] = await run<{ parked: boolean; reason: string | null; attempts: number }>(
        "SELECT parked, reason, attempts FROM pending WHERE profile = $1 AND network = $2",
        [profile, network],
      );
      return row ?? null;
    },
  };
}
