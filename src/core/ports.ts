import type { Address } from "./address.ts";
import type { Mode } from "./hold.ts";

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
  /** How many items they may hold together. */
  capacity(): Promise<number>;
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

/** What the configuration names and cannot be had now: a place, or rules that are to act on one. */
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
