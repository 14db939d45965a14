import type { Dice } from "./dice.ts";
import type { Target } from "./targets.ts";

/** What fail2ban, or who works it, does to one jail. */
export type Operation =
  /** `lastsS` is null for ever; `stored`: whether fail2ban's database has the ban before the hook runs, or after. */
  | {
      readonly kind: "ban";
      readonly target: Target;
      readonly lastsS: number | null;
      readonly stored: "before" | "after";
    }
  | { readonly kind: "prolong"; readonly target: Target; readonly lastsS: number }
  | { readonly kind: "unban"; readonly target: Target }
  | { readonly kind: "unbanAll" }
  | { readonly kind: "stop" }
  /** fail2ban is killed: no hook runs. */
  | { readonly kind: "crash" }
  | { readonly kind: "start" }
  | { readonly kind: "wait"; readonly ms: number };

export interface OperationOptions {
  readonly count: number;
  /** How short the shortest bans are; null: none ends by itself. */
  readonly shortS: number | null;
  /** People ban by hand in a jail that fail2ban does not know: it is never started, stopped or flushed. */
  readonly byHand: boolean;
}

/** A day in the life of a jail: only what fail2ban could do in the state in which each operation finds it. */
export function operations(
  roll: Dice,
  targets: readonly Target[],
  { count, shortS, byHand }: OperationOptions,
): Operation[] {
  const banned = new Set<Target>();
  let running = byHand;
  const lastsS = (): number | null =>
    shortS !== null && roll.chance(0.3) ? roll.whole(shortS, shortS + 3) : roll.pick([null, 3_600, 86_400]);
  const next = (): Operation => {
    if (!running) {
      running = roll.chance(0.7);
      return running ? { kind: "start" } : { kind: "wait", ms: roll.whole(50, 1_500) };
    }
    if (!byHand && roll.chance(0.08)) {
      running = false;
      return { kind: roll.chance(0.7) ? "stop" : "crash" };
    }
    if (roll.chance(0.1)) return { kind: "wait", ms: roll.whole(20, 600) };
    if (!byHand && banned.size > 0 && roll.chance(0.04)) {
      banned.clear();
      return { kind: "unbanAll" };
    }
    if (banned.size > 0 && roll.chance(0.35)) {
      const target = roll.pick([...banned]);
      if (roll.chance(0.2)) return { kind: "prolong", target, lastsS: 86_400 };
      banned.delete(target);
      return { kind: "unban", target };
    }
    const target = roll.pick(targets);
    banned.add(target);
    return { kind: "ban", target, lastsS: lastsS(), stored: roll.pick(["before", "after"] as const) };
  };
  return Array.from({ length: count }, next);
}
