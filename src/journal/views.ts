import type { Database } from "bun:sqlite";
import { slotMs, windowMs } from "../core/budget.ts";
import { isMode } from "../core/hold.ts";
import type { Pause } from "../core/call-ledger.ts";
import type { Backlog, HoldView, ViewLedger } from "../core/views.ts";
import { pauseOf } from "./pauses.ts";
import type { PauseRow } from "./pauses.ts";
import type { Sync } from "./sync.ts";

export interface ViewRow {
  readonly profile: string;
  readonly jail: string;
  readonly host: string;
  readonly address: string;
  readonly mode: string;
  readonly held_at: number;
  readonly until_at: number | null;
  readonly release_at: number | null;
  readonly pending: number;
  readonly parked: number;
  readonly outside: number;
  readonly foreign_rules: number;
  readonly reason: string | null;
  readonly ids: string | null;
}

/** What people and monitoring ask of the journal. */
export function viewLedger(db: Database): Sync<ViewLedger> {
  const backlog = (): Backlog => {
    const counts = db
      .query<Pick<Backlog, "pending" | "parked">, []>(
        "SELECT coalesce(sum(parked = 0), 0) AS pending, coalesce(sum(parked = 1), 0) AS parked FROM pending",
      )
      .get();
    const pauses = db
      .query<PauseRow & { subject: string }, []>(
        "SELECT subject, kind, reason, since_at, until_at, failures FROM pauses ORDER BY since_at",
      )
      .all()
      .map((row): Pause & { subject: string } => ({ subject: row.subject, ...pauseOf(row) }));
    return { pending: counts?.pending ?? 0, parked: counts?.parked ?? 0, pauses };
  };
  return {
    backlog,
    summary(now) {
      const counts = db
        .query<Record<string, number | null>, [number]>(
          `SELECT
             (SELECT count(*) FROM (SELECT DISTINCT profile, jail, host, address FROM holds)) AS holds,
             (SELECT count(*) FROM (SELECT DISTINCT network FROM holds)) AS networks,
             (SELECT count(*) FROM edge WHERE owned = 1 AND (id IS NOT NULL OR mode IS NOT NULL)) AS atEdge,
             (SELECT count(DISTINCT network) FROM outside WHERE waiting = 0) AS outside,
             (SELECT min(since_at) FROM pending WHERE parked = 0) AS oldest,
             (SELECT coalesce(sum(calls), 0) FROM calls WHERE start_at > ?) AS calls`,
        )
        .get(now - windowMs - slotMs);
      const count = (name: string): number => counts?.[name] ?? 0;
      return {
        ...backlog(),
        holds: count("holds"),
        networks: count("networks"),
        atEdge: count("atEdge"),
        outside: count("outside"),
        oldestPendingAt: counts?.["oldest"] ?? null,
        calls: count("calls"),
      };
    },
    holds(jail) {
      return db
        .query<ViewRow, [string | null, string | null]>(
          `SELECT h.profile, h.jail, h.host, h.address, h.mode, min(h.held_at) AS held_at, h.until_at, h.release_at,
             count(p.generation) AS pending, coalesce(max(p.parked), 0) AS parked, max(p.reason) AS reason,
             count(o.network) AS outside,
             coalesce(sum(e.foreign_rules), 0) AS foreign_rules, group_concat(e.ids, ' ') AS ids
           FROM holds h
           LEFT JOIN pending p ON p.profile = h.profile AND p.network = h.network
           LEFT JOIN outside o ON o.profile = h.profile AND o.network = h.network AND o.waiting = 0
           LEFT JOIN (SELECT network, sum(owned = 0) AS foreign_rules, group_concat(id, ' ') AS ids FROM edge GROUP BY network) e
             ON e.network = h.network
           WHERE ? IS NULL OR h.jail = ?
           GROUP BY h.profile, h.jail, h.host, h.address ORDER BY held_at, h.address, h.jail`,
        )
        .all(jail, jail)
        .map(holdView);
    },
    progress(profile, network) {
      const row = db
        .query<{ parked: number; reason: string | null; attempts: number }, [string, string]>(
          "SELECT parked, reason, attempts FROM pending WHERE profile = ? AND network = ?",
        )
        .get(profile, network);
      return row === null ? null : { ...row, parked: row.parked === 1 };
    },
  };
}

export function holdView(row: ViewRow): HoldView {
  return {
    profile: row.profile,
    jail: row.jail,
    host: row.host,
    address: row.address,
    mode: isMode(row.mode) ? row.mode : "block",
    sinceAt: row.held_at,
    untilAt: row.until_at,
    releaseAt: row.release_at,
    state: stateOf(row),
    reason: row.reason,
    ids: row.ids?.split(" ") ?? [],
  };
}

function stateOf({ pending, parked, outside, foreign_rules }: ViewRow): HoldView["state"] {
  if (parked > 0) return "parked";
  if (outside > 0) return "outside";
  if (pending > 0) return "pending";
  return foreign_rules > 0 ? "foreign" : "blocked";
}
