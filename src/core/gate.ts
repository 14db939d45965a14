import { Failure } from "../errors.ts";
import { backoffMs } from "./backoff.ts";
import { allowance, freeAt } from "./budget.ts";
import type { CallLedger, Pause } from "./call-ledger.ts";

/** Calls booked at a time: one write to the journal for so many calls; what is left over is given back. */
const bookedAtOnce = 10;

/** Waits of a credential or a place whose calls fail one after another. */
export const outage = { baseMs: 1_000, capMs: 60_000 };

/** A pause without a stated end, and the longest that we obey: a wrong header must not silence us for a day. */
const defaultPauseMs = 60_000;
const longestPauseMs = 900_000;

export interface GateOptions {
  readonly credential: string;
  /** Calls in five minutes. */
  readonly budget: number;
  now(): number;
  random(): number;
}

/** Stands before every call with one credential: its budget, its pauses and its health, shared through the journal. */
export interface Gate {
  /** Books a call, or throws an unavailable failure that says when one is possible. */
  admit(): Promise<void>;
  /** When calls are possible, milliseconds since 1970; not after now: at once. */
  openAt(): Promise<number>;
  /** How many deliveries may begin: one while Cloudflare has not answered well since a failure. */
  room(most: number): Promise<number>;
  /** Cloudflare asked for a pause. */
  limited(afterMs: number | undefined, reason: string): Promise<void>;
  /** Calls failed and none worked; true when it is the first time. */
  failed(reason: string): Promise<boolean>;
  /** Forgets our own waiting after failures, not a pause that Cloudflare asked for. */
  hurry(): Promise<void>;
  /** A call worked; true when it is the first after failures. */
  worked(): Promise<boolean>;
  /** Gives back what was booked and not used. */
  close(): Promise<void>;
}

/** Until when a pause stops calls, 0 for none; one that lies further ahead than any that we obey is the clock's mistake. */
export function pausedUntil(pause: Pause | null, now: number): number {
  return pause === null || pause.untilAt - now > longestPauseMs ? 0 : pause.untilAt;
}

export function gate(ledger: CallLedger, { credential, budget, now, random }: GateOptions): Gate {
  const subject = `credential:${credential}`;
  let booked = 0;
  let bookedAt = 0;
  let turn: Promise<void> = Promise.resolve();

  async function openAt(): Promise<number> {
    const paused = pausedUntil(await ledger.pause(subject), now());
    if (paused > now()) return paused;
    if (booked > 0) return 0;
    const slots = await ledger.slots(credential);
    return allowance(slots, now(), budget) > 0 ? 0 : freeAt(slots, now());
  }

  async function giveBack(): Promise<void> {
    if (booked > 0) await ledger.spend(credential, -booked, bookedAt);
    booked = 0;
  }

  async function bookOne(): Promise<void> {
    const at = await openAt();
    if (at > now()) {
      const retryAfterMs = at - now();
      throw new Failure("unavailable", "Cannot call Cloudflare now: calls are paused", { retryAfterMs });
    }
    if (booked === 0 || now() - bookedAt > 1_000) {
      await giveBack();
      const failing = (await ledger.pause(subject)) !== null;
      booked = Math.min(failing ? 1 : bookedAtOnce, allowance(await ledger.slots(credential), now(), budget));
      bookedAt = now();
      await ledger.spend(credential, booked, now());
    }
    booked -= 1;
  }

  return {
    admit() {
      // One after another: two that find nothing booked would both book.
      const mine = turn.then(bookOne);
      turn = mine.catch(() => {});
      return mine;
    },
    openAt,
    async room(most) {
      const pause = await ledger.pause(subject);
      if (pause !== null && pause.failures > 0) return 1;
      return Math.max(1, Math.min(most, booked + allowance(await ledger.slots(credential), now(), budget)));
    },
    async limited(afterMs, reason) {
      const pauseMs = Math.min(Math.max(afterMs ?? defaultPauseMs, 1_000), longestPauseMs);
      await ledger.setPause(subject, {
        kind: "unavailable",
        reason,
        sinceAt: now(),
        untilAt: now() + pauseMs,
        failures: 0,
      });
    },
    async failed(reason) {
      const before = await ledger.pause(subject);
      const failures = (before?.failures ?? 0) + 1;
      const untilAt = Math.max(now() + backoffMs(failures, random, outage), pausedUntil(before, now()));
      await ledger.setPause(subject, {
        kind: "unavailable",
        reason,
        sinceAt: before?.sinceAt ?? now(),
        untilAt,
        failures,
      });
      return failures === 1;
    },
    async hurry() {
      const pause = await ledger.pause(subject);
      if (pause !== null && pause.failures > 0) await ledger.setPause(subject, { ...pause, untilAt: now() });
    },
    async worked() {
      const pause = await ledger.pause(subject);
      if (pause === null || pausedUntil(pause, now()) > now()) return false;
      await ledger.setPause(subject, null);
      return true;
    },
    close: giveBack,
  };
}
