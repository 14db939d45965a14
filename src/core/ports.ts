import type { Address, Family } from "./address.ts";
import type { Hold, Holder, Mode } from "./hold.ts";
import type { Slot } from "./budget.ts";

/** What a change at the edge came to; "full": nothing is there, as there is no room. */
export type Outcome = "added" | "present" | "removed" | "absent" | "full";

/** What is known of one network at one place of the edge. */
export interface EdgeRow {
  readonly place: string;
  readonly network: string;
  /** Cloudflare's id; null when it is not known, be it that it has not been asked for. */
  readonly id: string | null;
  /** null when not known, as while a call is under way; "whitelist" is a human's wish. */
  readonly mode: Mode | "whitelist" | null;
  /** Whether it carries our mark; what does not is never changed or deleted. */
  readonly owned: boolean;
}

/** What stands at a place; `jail` is the one in our mark, null for somebody else's. */
export interface Entry extends Omit<EdgeRow, "place"> {
  readonly jail: string | null;
}

/** A step at one place. `jail` goes into the ownership mark. */
export type Change =
  | { readonly kind: "add"; readonly network: Address; readonly mode: Mode; readonly jail: string }
  | {
      readonly kind: "change";
      readonly network: Address;
      readonly mode: Mode;
      readonly jail: string;
      readonly id: string;
    }
  | { readonly kind: "remove"; readonly network: Address; readonly id: string | null };

/** How a step ended: with an outcome and what is now there (null: nothing of ours), or with a failure. */
export type Settled =
  | { readonly change: Change; readonly outcome: Outcome; readonly row: Omit<EdgeRow, "place"> | null }
  | { readonly change: Change; readonly failure: unknown };

/** Places that share a room, as the lists of an account do. */
export interface Pool {
  /** What the names of its places begin with, before a ":". */
  readonly name: string;
  /** Networks that they hold together. */
  readonly capacity: number;
}

/** A place where addresses are blocked. Steps are idempotent: one whose answer was lost may be made again. */
export interface Blocklist {
  /** The same for the same place whatever the configuration calls it, as "zone:<id>". */
  readonly place: string;
  /** For people, as "zone example.com". */
  readonly label: string;
  /** The one mode that it blocks in; null: any. */
  readonly mode: Mode | null;
  /** null: it has room for all. */
  readonly pool: Pool | null;
  /** How many changes it makes in a handful of calls; 1: a call each. */
  readonly atOnce: number;
  /**
   * Makes the steps, several at a time; after `signal` aborts, those not yet begun are left out. One that shows that no
   * other can be made either may be the last.
   */
  apply(changes: readonly Change[], signal: AbortSignal): AsyncIterable<Settled>;
  /** All that carries our mark of this host; with `foreign`, all that there is. */
  entries(options: { readonly foreign: boolean }): AsyncIterable<Entry>;
  /** Why what is in it may not be blocked all the same, each with the remedy; none: it is. */
  check(): Promise<readonly string[]>;
  /** What fail2ban's own actions left; not there where they never blocked. */
  readonly leftovers?: Leftovers;
}

/** A rule of fail2ban's own Cloudflare actions; `jail` is the one in its notes, which name no host. */
export interface Leftover {
  readonly network: string;
  readonly id: string;
  readonly mode: Mode;
  readonly jail: string;
}

/** A step that makes a leftover ours, or removes it. */
export type Takeover = Exclude<Change, { kind: "add" }>;

export interface Leftovers {
  list(): AsyncIterable<Leftover>;
  /** Makes the steps, as `Blocklist.apply` does; what is no leftover any more is left as it is, and said to be absent. */
  apply(steps: readonly Takeover[], signal: AbortSignal): AsyncIterable<Settled>;
}

/** A place that the configuration names and that cannot be used now. */
export interface Trouble {
  readonly label: string;
  readonly failure: unknown;
}

export interface OpenPlaces {
  readonly places: readonly Blocklist[];
  /** Places that have left the configuration and still hold something of ours: emptied after the others are filled. */
  readonly former: readonly Blocklist[];
  readonly troubles: readonly Trouble[];
}

/** A profile of the configuration, as the courier sees it. */
export interface Profile {
  readonly name: string;
  /** Which credential pays for the calls: a fingerprint, never the credential. */
  readonly credential: string;
  /** The places, looked up by name where needed. Throws only for the credential or an unavailable API. */
  open(): Promise<OpenPlaces>;
}

/** A network whose place at the edge may differ from what is held. */
export interface Pending {
  /** Grows with every change of the wish; a delivery settles only the generation that it read. */
  readonly generation: number;
  readonly profile: string;
  readonly network: Address;
  readonly attempts: number;
  readonly sinceAt: number;
}

/** A jail with the profile and the mode that its hooks pass. */
export interface KnownJail {
  readonly profile: string;
  readonly jail: string;
  readonly mode: Mode;
}

/** Who wants a network blocked, newest last. */
export interface Want extends KnownJail {
  /** There is no room for it where the profile blocks. */
  readonly outside: boolean;
}

/** Why calls with a credential or to a place are stopped, and until when. */
export interface Pause {
  readonly kind: "unavailable" | "rejected" | "config";
  readonly reason: string;
  readonly sinceAt: number;
  readonly untilAt: number;
  /** Failures in a row. */
  readonly failures: number;
}

/** The calls' side of the journal: one budget and one state of health per credential, shared by consecutive couriers. */
export interface CallLedger {
  slots(credential: string): Promise<readonly Slot[]>;
  /** Books calls before they are made. */
  spend(credential: string, calls: number, now: number): Promise<void>;
  pause(subject: string): Promise<Pause | null>;
  setPause(subject: string, pause: Pause | null): Promise<void>;
  /** Forgets every pause of a profile's places: its configuration or credential has changed. */
  clearPauses(profile: string): Promise<void>;
}

/** How the last calls went, for people: nothing is decided by it. */
export interface ResultLedger {
  /** Remembers that Cloudflare did what we asked. */
  succeeded(asked: Asked, now: number): Promise<void>;
  /** Remembers the last error, whatever comes after it. */
  failed(asked: Asked, reason: string, now: number): Promise<void>;
  /** Forgets how the calls of a profile went: its places have changed. */
  forgetResults(profile: string): Promise<void>;
}

/** Whom we asked, and with which credential; `place` is null where it could not be found out. */
export interface Asked {
  readonly profile: string;
  readonly credential: string;
  readonly label: string;
  readonly place: string | null;
}

/** The hooks' side: every method is one durable transaction and never looks at the edge. */
export interface HoldLedger {
  /** Holds or renews; what was to be released is no longer. A renewed hold that changes nothing leaves nothing pending. */
  hold(hold: Hold, now: number): Promise<void>;
  /** The networks that were held for the address; none when the jail did not hold it. */
  release(holder: Holder, address: Address, now: number): Promise<readonly string[]>;
  /** Marks what the jail holds of a family as released from `releaseAt` on. */
  flush(holder: Holder, family: Family, releaseAt: number): Promise<void>;
  /** Moves what `flush` marked to `releaseAt` when that is later. */
  defer(holder: Holder, releaseAt: number): Promise<void>;
  /** The rejection to shout about, at most once per jail in `everyMs`; null when all is well or it was said. */
  shout(holder: Holder, now: number, everyMs: number): Promise<Pause | null>;
}

/** The side of a configuration that has changed. */
export interface MoveLedger {
  /** Has other networks stand for the addresses that are held, where `coverOf` gives some; held since and until as before. */
  recast(
    profile: string,
    coverOf: (address: Address, network: Address) => readonly Address[] | null,
    now: number,
  ): Promise<void>;
}

/** A network that a jail wants blocked, for an address that it holds. */
export interface Wanted extends Want {
  readonly host: string;
  readonly address: string;
  readonly network: string;
}

/** What one delivery reads at once: a pending network, who wants it and what is known of it at the edge. */
export interface Due {
  readonly pending: Pending;
  readonly wants: readonly Want[];
  readonly rows: readonly EdgeRow[];
}

/** The courier's side. */
export interface DeliveryLedger {
  /** Due networks of a profile, bans before unbans, older first; without those that wait for room. */
  due(profile: string, now: number, limit: number): Promise<readonly Due[]>;
  /** Records that calls are begun: until an answer is recorded, networks may be at the place or not, by any id, in any mode. */
  begin(place: string, profile: string, networks: readonly string[]): Promise<void>;
  /** Records what is known at a place; a null row: nothing is there. */
  record(place: string, profile: string, known: readonly Known[]): Promise<void>;
  /** Takes the generations off the list; one that has been replaced meanwhile stays. */
  settle(generations: readonly number[]): Promise<void>;
  retry(generations: readonly number[], retryAt: number, reason: string): Promise<void>;
  /** Sets aside a network that Cloudflare refuses for good, until somebody wants something new of it. */
  park(generation: number, reason: string): Promise<void>;
  /** Makes everything of a profile that waits for its next try due at once. */
  hurry(profile: string): Promise<void>;
  /** Makes networks pending, or all that are held or parked: the edge or the configuration has changed. */
  recheck(profile: string, networks: readonly string[] | "all", now: number): Promise<void>;
  /** Where networks of a profile are known to be. */
  placesOf(profile: string): Promise<readonly string[]>;
  /** Where networks of other profiles than these are known to be. */
  placesBeside(
    profiles: readonly string[],
  ): Promise<readonly { readonly profile: string; readonly place: string }[]>;
  /** Every network that is held, and by whom. */
  wanted(): Promise<readonly Wanted[]>;
  /** What is known at a place. */
  known(place: string): Promise<readonly EdgeRow[]>;
  /** When the next try of a profile is due, milliseconds since 1970; null: nothing is pending. */
  nextTryAt(profile: string, now: number): Promise<number | null>;
  /** When the next hold ends; null: none does. */
  nextEndAt(slackMs: number): Promise<number | null>;
  /** Has no release come later than `latestAt`: one further ahead than any that is asked for is the clock's mistake. */
  hasten(latestAt: number): Promise<void>;
  /** Ends holds whose time or grace is over; returns how many. */
  sweep(now: number, grace: Grace): Promise<number>;
  /** Once nothing of a profile is pending, makes pending what it has left at places and nobody holds; returns how much. */
  abandon(profile: string, places: readonly string[], now: number): Promise<number>;
  /** Forgets holds and jails, what is pending and what was known at the edge: nothing of ours is to be there. */
  forgetAll(): Promise<void>;
}

/** Who blocks in a pool, and how much it takes. */
export interface Crowd {
  /** The pool's name; places outside of it do not count. */
  readonly pool: string;
  readonly profiles: ReadonlySet<string>;
  readonly room: number;
}

/** The side of places with little room: which networks are left out of them. */
export interface RoomLedger {
  /** Lets networks in and out as `core/room.ts` decides; what changes is pending. Returns how many find no room. */
  makeRoom(crowd: Crowd, now: number): Promise<number>;
  /** How many networks of ours are in a pool, or may be. */
  occupied(pool: string): Promise<number>;
}

export interface Known {
  readonly network: string;
  readonly row: Pick<EdgeRow, "id" | "mode" | "owned"> | null;
}

export interface Grace {
  /** How long after its end a hold is kept, milliseconds: fail2ban's own unban comes first. */
  readonly slackMs: number;
  /** How long after a flush a hold that fail2ban still has is kept, milliseconds. */
  readonly restartMs: number;
  /** Until when fail2ban bans an address in a jail: null: not banned, Infinity: for ever. */
  stillBannedUntil(jail: string, address: string): number | null;
}

/** The jails that run, or have held something since, as their hooks said. */
export interface JailLedger {
  /** Remembers a jail that was met at the edge or started. */
  know(holder: Holder, mode: Mode): Promise<void>;
  /** Forgets a jail that was stopped: it may come back with another profile. */
  forget(holder: Holder): Promise<void>;
  jails(host: string): Promise<readonly KnownJail[]>;
  /** What a holder holds, by address. */
  heldBy(holder: Holder): Promise<ReadonlyMap<string, Held>>;
}

/** One hold of a jail. */
export interface Held {
  readonly sinceAt: number;
  readonly untilAt: number | null;
  /** Whether a flush has let it go. */
  readonly released: boolean;
}

/** Small things to remember, such as a zone's id. */
export interface FactLedger {
  fact(name: string): Promise<string | null>;
  setFact(name: string, value: string): Promise<void>;
}

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

/** What a courier works on: the journal as the edge sees it. */
export type CourierJournal = DeliveryLedger &
  RoomLedger &
  CallLedger &
  ResultLedger &
  FactLedger &
  OverviewLedger &
  ViewLedger;

export type Journal = HoldLedger & MoveLedger & JailLedger & CourierJournal;
