import type { Mode } from "./hold.ts";
import type { Pause } from "./call-ledger.ts";
import type { CourierJournal, Journal } from "./journal.ts";

/** One network that a host's jail wants blocked, as the host tells its fleet. */
export interface JoinedHold {
  readonly profile: string;
  readonly network: string;
  readonly jail: string;
  readonly address: string;
  readonly mode: Mode;
  readonly heldAt: number;
  readonly untilAt: number | null;
  readonly releaseAt: number | null;
}

/** A network of which a host's holds have changed, and all that it holds of it now. */
export interface Changed {
  /** Grows with every change: what has changed again since is another. */
  readonly generation: number;
  readonly profile: string;
  readonly network: string;
  /** Whether the last change was for a ban. */
  readonly ban: boolean;
  readonly holds: readonly JoinedHold[];
}

/** How many addresses the jails of a host have banned: ever, and by the hour. */
export interface History {
  readonly jails: readonly { readonly profile: string; readonly jail: string; readonly bans: number }[];
  readonly hours: readonly { readonly jail: string; readonly startAt: number; readonly bans: number }[];
}

/** A host's own journal: "pending" here is what the fleet may not know yet of the host's holds. */
export interface OwnJournal extends Journal {
  /** A number that changes whenever another process has changed the journal. */
  changes(): number;
  /** Networks whose holds the fleet may not know: bans first, older first. */
  changed(host: string, limit: number): readonly Changed[];
  /** All that the host holds. */
  held(host: string): readonly JoinedHold[];
  history(host: string): History;
}

/** A server of the fleet. */
export interface Host {
  readonly host: string;
  /** When it was last connected, milliseconds since 1970 by the database's clock. */
  readonly seenAt: number;
  readonly holds: number;
}

/**
 * The journal that the servers of a fleet share, through one session with its database. All moments are the database's.
 * After a method has thrown an unavailable failure the session is over.
 */
export interface FleetJournal extends CourierJournal, AsyncDisposable {
  /** Aborts when the session is over. */
  readonly over: AbortSignal;
  /** How far the database's clock is ahead of this host's. */
  aheadMs(): number;
  /** Another number when any host has changed what it holds; reads the database's clock too. */
  changes(): Promise<number>;
  /** Takes the name of a host for this session; false while another session has it. */
  enter(host: string): Promise<boolean>;
  /** Tells that the host is there. */
  beat(host: string): Promise<void>;
  /** Has the fleet hold of these networks what the host does; `read` is called when nobody else can join. */
  join(host: string, read: () => readonly Changed[]): Promise<readonly Changed[]>;
  /** Has the fleet know what the host's jails have banned. */
  tell(host: string, history: History): Promise<void>;
  /** What the fleet holds for a host. */
  heldFor(host: string): Promise<readonly JoinedHold[]>;
  /** What Cloudflare rejects, for the hosts' hooks to say. */
  rejections(): Promise<readonly (Pause & { readonly subject: string })[]>;
  /** Takes the courier's lock for this session; false while another session has it. It goes with the session. */
  lead(): Promise<boolean>;
  follow(): Promise<void>;
  /** Asks whoever is the courier to make way when it only waits; to be asked again and again. */
  ask(): Promise<void>;
  /** Whether somebody asked, as of the last `changes`. */
  isAsked(): boolean;
  hosts(): Promise<readonly Host[]>;
  /** Lets go of all that a host holds and forgets the host; null: there is none of that name. */
  retire(host: string): Promise<number | null>;
}

/** The servers that were not seen for so long that they may be gone for good. */
export function goneHosts(hosts: readonly Host[], now: number, afterMs: number): readonly Host[] {
  return hosts.filter(({ seenAt }) => now - seenAt > afterMs);
}
