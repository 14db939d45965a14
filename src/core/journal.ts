import type { Address, Family } from "./address.ts";
import type { CallLedger, Pause, ResultLedger } from "./call-ledger.ts";
import type { Hold, Holder, Mode } from "./hold.ts";
import type { Blocklist, EdgeRow } from "./ports.ts";
import type { OverviewLedger, ViewLedger } from "./views.ts";

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

/** Who wants a network and what is known of it at the edge, read at once. */
export interface Standing {
  readonly wants: readonly Want[];
  readonly rows: readonly EdgeRow[];
}

/** A place and the profiles of the configuration that block there; none: the place has left the configuration. */
export interface Site extends Pick<Blocklist, "place" | "mode"> {
  readonly profiles: ReadonlySet<string>;
}

/** A pending network, and how it stands. */
export interface Due extends Standing {
  readonly pending: Pending;
}

/** The courier's side. */
export interface DeliveryLedger {
  /**
   * Due networks of a profile: those that have not failed yet before those that have, bans before unbans, older first;
   * without those that wait for room.
   */
  due(profile: string, now: number, limit: number): Promise<readonly Due[]>;
  /** How networks stand now, in their order. */
  standing(networks: readonly string[]): Promise<readonly Standing[]>;
  /** Records that calls are begun: until an answer is recorded, networks may be at the place or not, by any id, in any mode. */
  begin(place: string, profile: string, networks: readonly string[]): Promise<void>;
  /** Records what is known at a place; a null row: nothing is there. */
  record(place: string, profile: string, known: readonly Known[]): Promise<void>;
  /** Takes the generations off the list; one that has been replaced meanwhile stays. */
  settle(generations: readonly number[]): Promise<void>;
  retry(generations: readonly number[], retryAt: number, reason: string): Promise<void>;
  /** Puts off what was not tried. */
  postpone(generations: readonly number[], retryAt: number, reason: string): Promise<void>;
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
  /**
   * Networks that may stand otherwise at a place than is wanted there, and of which nothing of a profile is pending:
   * not what waits for its next try, nor what is parked.
   */
  astray(profile: string, site: Site): Promise<readonly string[]>;
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
  /** Forgets what a profile knows to be at a place that nobody can reach any more. */
  forgetPlace(place: string, profile: string): Promise<void>;
  /** Forgets holds and jails, what is pending and what was known at the edge: nothing of ours is to be there. */
  forgetAll(): Promise<void>;
}

/** Who blocks in a pool, and how much it takes. */
export interface Crowd {
  /** The pool's name; places outside of it do not count. */
  readonly pool: string;
  /** Where in the pool, and which profiles. */
  readonly places: ReadonlyMap<string, ReadonlySet<string>>;
  readonly room: number;
}

/** The side of places with little room: which networks are left out of them. */
export interface RoomLedger {
  /** Lets networks in and out as `core/room.ts` decides; what changes is pending. Returns how many find no room. */
  makeRoom(crowd: Crowd, now: number): Promise<number>;
  /** How many items of ours are in a pool, or may be. */
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

/** What a courier works on: the journal as the edge sees it. */
export type CourierJournal = DeliveryLedger &
  RoomLedger &
  CallLedger &
  ResultLedger &
  FactLedger &
  OverviewLedger &
  ViewLedger;

export type Journal = HoldLedger & MoveLedger & JailLedger & CourierJournal;
