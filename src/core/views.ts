import type { Pause } from "./call-ledger.ts";
import type { Mode } from "./hold.ts";

/** A hold as people see it. */
export interface HoldView {
  readonly profile: string;
  readonly jail: string;
  readonly host: string;
  readonly address: string;
  readonly mode: Mode;
  readonly sinceAt: number;
  readonly untilAt: number | null;
  /** When a flush lets it go; null: not flushed. */
  readonly releaseAt: number | null;
  readonly state: "blocked" | "pending" | "parked" | "foreign" | "outside";
  /** Why it is not blocked yet, where that is known. */
  readonly reason: string | null;
  /** Ids at Cloudflare, one per place and network. */
  readonly ids: readonly string[];
}

/** What is still to be delivered, and what is in its way. */
export interface Backlog {
  readonly pending: number;
  readonly parked: number;
  readonly pauses: readonly (Pause & { readonly subject: string })[];
}

export interface Summary extends Backlog {
  readonly holds: number;
  readonly networks: number;
  /** Rules or items at the edge that are ours. */
  readonly atEdge: number;
  /** Networks that are held and left out, as there is no room for them. */
  readonly outside: number;
  readonly oldestPendingAt: number | null;
  /** Calls booked per credential within the budget's window. */
  readonly calls: number;
}

/** What one jail of this journal holds. */
export interface JailView {
  readonly jail: string;
  readonly held: number;
  /** Of those held: not delivered yet. */
  readonly pending: number;
  /** Of those held: refused by Cloudflare. */
  readonly parked: number;
  /** New bans in the last 24 hours. */
  readonly bansOfDay: number;
  /** New bans since the journal was made. */
  readonly bansEver: number;
}

/** What is known of one place, and how its last calls went. */
export interface ScopeView {
  readonly profile: string;
  /** For people, as "zone example.com". */
  readonly label: string;
  readonly credential: string;
  /** Rules or items there that are ours; null where the place could not be found out. */
  readonly ours: number | null;
  /** Addresses that somebody else has a rule for. */
  readonly foreign: number | null;
  readonly succeededAt: number | null;
  readonly failedAt: number | null;
  /** What the last error said. */
  readonly reason: string | null;
}

/** What there is, counted by jail, by place and by hour. */
export interface OverviewLedger {
  /** Every jail that is known, those that hold most first. */
  jailViews(now: number): Promise<readonly JailView[]>;
  scopeViews(): Promise<readonly ScopeView[]>;
  /** Networks that are pending and not parked, by profile. */
  pendingOf(): Promise<ReadonlyMap<string, number>>;
  /** New bans of the last 24 hours by the hour, the current one last. */
  bansByHour(now: number): Promise<readonly number[]>;
}

export interface ViewLedger {
  /** Costs what is pending, whatever is held. */
  backlog(): Promise<Backlog>;
  summary(now: number): Promise<Summary>;
  holds(jail: string | null): Promise<readonly HoldView[]>;
  /** How far the delivery of one network of a profile is; null: nothing is pending. */
  progress(
    profile: string,
    network: string,
  ): Promise<{ readonly parked: boolean; readonly reason: string | null; readonly attempts: number } | null>;
}
