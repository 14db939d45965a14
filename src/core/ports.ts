import type { Address, Family } from "./address.ts";
import type { Hold, Holder, Mode } from "./hold.ts";
import type { Slot } from "./budget.ts";

/** What a change at the edge came to. */
export type Outcome = "added" | "present" | "removed" | "absent";

/** What is known of one network at one place of the edge. */
export interface EdgeRow {
  readonly place: string;
  readonly network: string;
  /** Cloudflare's id; null when a call was begun and its answer is not known. */
  readonly id: string | null;
  /** null when not known; "whitelist" is a human's wish. */
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

/** A place where addresses are blocked. Steps are idempotent: one whose answer was lost may be made again. */
export interface Blocklist {
  /** The same for the same place whatever the configuration calls it, as "zone:<id>". */
  readonly place: string;
  /** For people, as "zone example.com". */
  readonly label: string;
  /** Makes the steps, several at a time; after `signal` aborts, those not yet begun are left out. */
  apply(changes: readonly Change[], signal: AbortSignal): AsyncIterable<Settled>;
  /** All that carries our mark of this host; with `foreign`, all that there is. */
  entries(options: { readonly foreign: boolean }): AsyncIterable<Entry>;
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

/** Who wants a network blocked, newest last. */
export interface Want {
  readonly profile: string;
  readonly jail: string;
  readonly mode: Mode;
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

/** What one delivery reads at once: a pending network, who wants it and what is known of it at the edge. */
export interface Due {
  readonly pending: Pending;
  readonly wants: readonly Want[];
  readonly rows: readonly EdgeRow[];
}

/** The courier's side. */
export interface DeliveryLedger {
  /** Due networks of a profile, bans before unbans, older first. */
  due(profile: string, now: number, limit: number): Promise<readonly Due[]>;
  /** Records that networks may be at a place from here on, though no answer has said so yet. */
  begin(place: string, profile: string, networks: readonly string[]): Promise<void>;
  /** Records what is known at a place; a null row: nothing is there. */
  record(place: string, profile: string, known: readonly Known[]): Promise<void>;
  /** Takes the generations off the list; one that has been replaced meanwhile stays. */
  settle(generations: readonly number[]): Promise<void>;
  retry(generation: number, retryAt: number, reason: string): Promise<void>;
  /** Sets aside a network that Cloudflare refuses for good, until somebody wants something new of it. */
  park(generation: number, reason: string): Promise<void>;
  /** Makes everything of a profile that waits for its next try due at once. */
  hurry(profile: string): Promise<void>;
  /** Makes all that is held or known at the edge pending: the configuration or the edge has changed. */
  recheck(profile: string, networks: readonly string[] | "all", now: number): Promise<void>;
  /** Where networks of a profile are known to be. */
  placesOf(profile: string): Promise<readonly string[]>;
  /** What is known at a place. */
  known(place: string): Promise<readonly EdgeRow[]>;
  /** When the next try of a profile is due, milliseconds since 1970; null: nothing is pending. */
  nextTryAt(profile: string, now: number): Promise<number | null>;
  /** When the next hold ends; null: none does. */
  nextEndAt(slackMs: number): Promise<number | null>;
  /** Ends holds whose time or grace is over; returns how many. */
  sweep(now: number, grace: Grace): Promise<number>;
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

/** The jails that have held something, as their hooks said. */
export interface JailLedger {
  /** Remembers a jail that was met at the edge or started. */
  know(holder: Holder, mode: Mode): Promise<void>;
  jails(host: string): Promise<readonly Want[]>;
  /** The addresses that a holder holds. */
  heldBy(holder: Holder): Promise<ReadonlySet<string>>;
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
  readonly state: "blocked" | "pending" | "parked" | "foreign";
  /** Why it is not blocked yet, where that is known. */
  readonly reason: string | null;
  /** Ids at Cloudflare, one per place and network. */
  readonly ids: readonly string[];
}

export interface Summary {
  readonly holds: number;
  readonly networks: number;
  /** Rules or items at the edge that are ours. */
  readonly atEdge: number;
  readonly pending: number;
  readonly parked: number;
  readonly oldestPendingAt: number | null;
  readonly pauses: readonly (Pause & { readonly subject: string })[];
  /** Calls booked per credential within the budget's window. */
  readonly calls: number;
}

export interface ViewLedger {
  summary(now: number): Promise<Summary>;
  holds(jail: string | null): Promise<readonly HoldView[]>;
  /** How far the delivery of one network of a profile is; null: nothing is pending. */
  progress(
    profile: string,
    network: string,
  ): Promise<{ readonly parked: boolean; readonly reason: string | null; readonly attempts: number } | null>;
}

/** What a courier works on: the journal as the edge sees it. */
export type CourierJournal = DeliveryLedger & CallLedger & FactLedger & ViewLedger;

export type Journal = HoldLedger & JailLedger & CourierJournal;
