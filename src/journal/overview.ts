import type { Database } from "bun:sqlite";
import type { JailView, OverviewLedger, ScopeView } from "../core/views.ts";
import { hourMs, hourOf } from "./history.ts";
import type { Sync } from "./sync.ts";

export const hoursOfDay = 24;

/** What status and monitoring show beside the figures of `ViewLedger`. */
export function overviewLedger(db: Database): Sync<OverviewLedger> {
  return {
    jailViews(now) {
      return db
        .query<JailView, { from: number; now: number }>(
          `SELECT jail, sum(j.bans) AS bansEver, coalesce(d.bans, 0) AS bansOfDay,
             coalesce(h.held, 0) AS held, coalesce(h.pending, 0) AS pending, coalesce(h.parked, 0) AS parked
           FROM jails j
           LEFT JOIN (
             SELECT jail, sum(bans) AS bans FROM bans WHERE start_at BETWEEN $from AND $now GROUP BY jail) d USING (jail)
           LEFT JOIN (
             SELECT jail, count(*) AS held, sum(waits AND NOT parked) AS pending, sum(parked) AS parked FROM (
               SELECT h.jail, count(p.generation) > 0 AS waits, coalesce(max(p.parked), 0) AS parked
               FROM holds h LEFT JOIN pending p ON p.profile = h.profile AND p.network = h.network
               GROUP BY h.jail, h.host, h.profile, h.address)
             GROUP BY jail) h USING (jail)
           GROUP BY jail ORDER BY held DESC, jail`,
        )
        .all({ from: firstHour(now), now });
    },
    scopeViews() {
      return db
        .query<ScopeView, []>(
          `SELECT r.profile, r.label, r.credential,
             CASE WHEN r.place IS NULL THEN NULL ELSE coalesce(sum(e.owned = 1 AND e.id IS NOT NULL), 0) END AS ours,
             CASE WHEN r.place IS NULL THEN NULL ELSE coalesce(sum(e.owned = 0), 0) END AS "foreign",
             r.succeeded_at AS succeededAt, r.failed_at AS failedAt, r.reason
           FROM results r LEFT JOIN edge e ON e.place = r.place GROUP BY r.profile, r.label`,
        )
        .all();
    },
    pendingOf() {
      const rows = db
        .query<{ profile: string; pending: number }, []>(
          "SELECT profile, count(*) AS pending FROM pending WHERE parked = 0 GROUP BY profile",
        )
        .all();
      return new Map(rows.map(({ profile, pending }) => [profile, pending]));
    },
    bansByHour(now) {
      const first = firstHour(now);
      const rows = db
        .query<{ start_at: number; bans: number }, [number, number]>(
          "SELECT start_at, sum(bans) AS bans FROM bans WHERE start_at BETWEEN ? AND ? GROUP BY start_at",
        )
        .all(first, now);
      const bans = new Map(rows.map((row) => [row.start_at, row.bans]));
      return Array.from({ length: hoursOfDay }, (_, hour) => bans.get(first + hour * hourMs) ?? 0);
    },
  };
}

export function firstHour(now: number): number {
  return hourOf(now) - (hoursOfDay - 1) * hourMs;
}
