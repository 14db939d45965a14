import type { Slot } from "./budget.ts";

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
