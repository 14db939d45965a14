import { slotMs, windowMs } from "../../core/budget.ts";
import type { Backlog, Summary, ViewLedger } from "../../core/views.ts";
import { holdView } from "../views.ts";
import type { ViewRow } from "../views.ts";
import { allPauses } from "./calls.ts";
import type { Run } from "./session.ts";

type Counts = Omit<Summary, keyof Backlog>;

/** What people and monitoring ask of the journal. */
export function viewLedger(run: Run): ViewLedger {
  const backlog = async (): Promise<Backlog> => {
    const [counts] = await run<Pick<Backlog, "pending" | "parked">>(
      `SELECT count(*) FILTER (WHERE NOT parked)::int AS pending, count(*) FILTER (WHERE parked)::int AS parked
       FROM pending`,
    );
    return { pending: counts?.pending ?? 0, parked: counts?.parked ?? 0, pauses: await allPauses(run) };
  };
  return {
    backlog,
    async summary(now) {
      const [counts] = await run<Counts>(
        `SELECT
           (SELECT count(*)::int FROM (SELECT DISTINCT profile, jail, host, address FROM holds) h) AS holds,
           (SELECT count(*)::int FROM (SELECT DISTINCT network FROM holds) n) AS networks,
           (SELECT count(*)::int FROM edge WHERE owned AND (id IS NOT NULL OR mode IS NOT NULL)) AS "atEdge",
           (SELECT count(DISTINCT network)::int FROM outside WHERE NOT waiting) AS outside,
           (SELECT min(since_at)::float8 FROM pending WHERE NOT parked) AS "oldestPendingAt",
           (SELECT coalesce(sum(calls), 0)::int FROM calls WHERE start_at > $1) AS calls`,
        [now - windowMs - slotMs],
      );
      const none = { holds: 0, networks: 0, atEdge: 0, outside: 0, oldestPendingAt: null, calls: 0 };
      return { ...(await backlog()), ...(counts ?? none) };
    },
    async holds(jail) {
      const rows = await run<ViewRow>(
        `SELECT h.profile, h.jail, h.host, h.address, min(h.mode) AS mode, min(h.held_at)::float8 AS held_at,
           min(h.until_at)::float8 AS until_at, min(h.release_at)::float8 AS release_at,
           count(p.generation)::int AS pending, coalesce(max(p.parked::int), 0) AS parked, max(p.reason) AS reason,
           count(o.network)::int AS outside,
           coalesce(sum(e.foreign_rules), 0)::int AS foreign_rules, string_agg(e.ids, ' ') AS ids
         FROM holds h
         LEFT JOIN pending p ON p.profile = h.profile AND p.network = h.network
         LEFT JOIN outside o ON o.profile = h.profile AND o.network = h.network AND NOT o.waiting
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
