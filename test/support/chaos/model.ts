import type { Target } from "./targets.ts";

/** fail2ban calls nothing for a ban that ends while it is down: the journal keeps it for so long after its end. */
export const slackMs = 60_000;

/** How long after a flush the journal keeps what nobody bans again. */
const flushedMs = 10_000;

/** What is known of one address of one jail. */
export interface Hold {
  readonly target: Target;
  /** What becomes of it when nothing else happens; "either": a hook was killed, and may or may not have recorded. */
  readonly fate: "held" | "gone" | "either";
  /** Since when it has been held without a break; Infinity: that is not certain. */
  readonly sinceAt: number;
  /** Until when it is held whatever its fate. */
  readonly keptUntilAt: number;
  /** When it ends by itself, as its hook was told. */
  readonly endsAt: number;
}

/** What one jail holds, by what its hooks were told and how they ended. Moments are milliseconds since 1970. */
export interface JailModel {
  readonly holds: ReadonlyMap<string, Hold>;
  /** A hook for a ban ended; `recorded` is false when it was killed. */
  banned(
    target: Target,
    moment: { readonly at: number; readonly endsAt: number; readonly recorded: boolean },
  ): void;
  /** Before the hook: from here on it may go. */
  unbanning(target: Target, at: number): void;
  unbanned(target: Target): void;
  flushing(family: Target["family"], at: number): void;
  flushed(family: Target["family"]): void;
  /** A stop or a start was recorded: what a flush has let go of stays for the grace. */
  deferred(graceMs: number, at: number): void;
}

export function jailModel(): JailModel {
  const holds = new Map<string, Hold>();
  const change = (hold: Hold, to: Partial<Hold>): void =>
    void holds.set(hold.target.address, { ...hold, ...to });
  const all = (family: Target["family"]): Hold[] =>
    [...holds.values()].filter(({ target }) => target.family === family);
  return {
    holds,
    banned(target, { at, endsAt, recorded }) {
      const before = holds.get(target.address) ?? nothing(target);
      if (!recorded) return change(before, { fate: before.fate === "held" ? "held" : "either" });
      const unbroken = before.fate === "held" || before.keptUntilAt > at;
      change(before, { fate: "held", sinceAt: unbroken ? before.sinceAt : at, keptUntilAt: 0, endsAt });
    },
    unbanning(target, at) {
      const before = holds.get(target.address);
      if (before === undefined || before.fate === "gone") return;
      change(before, { fate: "either", keptUntilAt: Math.min(before.keptUntilAt, at) });
    },
    unbanned: (target) => void holds.delete(target.address),
    flushing(family, at) {
      for (const hold of all(family)) {
        const releaseAt = at + flushedMs;
        if (hold.fate === "held") change(hold, { fate: "either", keptUntilAt: releaseAt });
        // Either an earlier flush counts, or this one.
        if (hold.fate === "either") change(hold, { keptUntilAt: Math.min(hold.keptUntilAt, releaseAt) });
      }
    },
    flushed(family) {
      for (const hold of all(family)) change(hold, { fate: "gone" });
    },
    deferred(graceMs, at) {
      for (const hold of holds.values()) {
        if (hold.fate !== "held" && hold.keptUntilAt > at)
          change(hold, { keptUntilAt: Math.max(hold.keptUntilAt, at + graceMs) });
      }
    },
  };
}

function nothing(target: Target): Hold {
  return { target, fate: "gone", sinceAt: Number.POSITIVE_INFINITY, keptUntilAt: 0, endsAt: 0 };
}

/** Whether the address was held all the time from one moment to another, and nothing could have made it go. */
export function isHeldThrough(hold: Hold, fromAt: number, toAt: number): boolean {
  if (hold.sinceAt > fromAt || hold.endsAt + slackMs <= toAt) return false;
  return hold.fate === "held" || hold.keptUntilAt > toAt;
}
