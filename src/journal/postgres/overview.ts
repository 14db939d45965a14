import type { JailView, OverviewLedger, ScopeView } from "../../core/views.ts";
import { hourMs } from "../history.ts";
import { firstHour, hoursOfDay } from "../overview.ts";
import type { Run } from "./session.ts";

/** What status and monitoring show of all hosts, beside the figures of `ViewLedger`. */
export function overviewLedger(run: Run): OverviewLedger {
  return {
    jailViews: (now) =>
      run<JailView>(
        `SELECT j.jail, sum(j.bans)::float8 AS "bansEver", coalesce(min(d.bans), 0)::float8 AS "bansOfDay",
           coalesce(min(h.held), 0)::int AS held, coalesce(min(h.pending), 0)::int AS pending,
           coalesce(min(h.parked), 0)::int AS parked
         FROM jails j
         LEFT JOIN (
           SELECT jail, sum(bans) AS bans FROM bans WHERE start_at BETWEEN $1 AND $2 GROUP BY jail) d USING (jail)
         LEFT JOIN (
           SELECT jail, count(*) AS held, sum((waits AND NOT parked)::int) AS pending, sum(parked::int) AS parked FROM (
             SELECT h.jail, count(p.generation) > 0 AS waits, coalesce(bool_or(p.parked), false) AS parked
             FROM holds h LEFT JOIN pending p ON p.profile = h.profile AND p.network = h.network
             GROUP BY h.jail, h.host, h.profile, h.address) one
           GROUP BY jail) h USING (jail)
         GROUP BY j.jail ORDER BY held DESC, j.jail COLLATE "C"`,
        [firstHour(now), now],
      ),
    scopeViews: () =>
      run<ScopeView>(
        `SELECT r.profile, r.label, r.credential,
           CASE WHEN r.place IS NULL THEN NULL ELSE coalesce(sum((e.owned AND e.id IS NOT NULL)::int), 0) END::int AS ours,
           CASE WHEN r.place IS NULL THEN NULL ELSE coalesce(sum((NOT e.owned)::int), 0) END::int AS "foreign",
           r.succeeded_at::float8 AS "succeededAt", r.failed_at::float8 AS "failedAt", r.reason
         FROM results r LEFT JOIN edge e ON e.place = r.place
         GROUP BY r.profile, r.label ORDER BY r.profile COLLATE "C", r.label COLLATE "C"`,
      ),
    async pendingOf() {
      const rows = await run<{ profile: string; pending: number }>(
        "SELECT profile, count(*)::int AS pending FROM pending WHERE NOT parked GROUP BY profile",
      );
      return new Map(rows.map(({ profile, pending }) => [profile, pending]));
    },
    async bansByHour(now) {
      const first = firstHour(now);
      const rows = await run<{ startAt: number; bans: number }>(
        `SELECT start_at::float8 AS "startAt", sum(bans)::float8 AS bans FROM bans
         WHERE start_at BETWEEN $1 AND $2 GROUP BY start_at`,
        [first, now],
      );
      const bans = new Map(rows.map((row) => [row.startAt, row.bans]));
      return Array.from({ length: hoursOfDay }, (_, hour) => bans.get(first + hour * hourMs) ?? 0);
    },
  };
}
