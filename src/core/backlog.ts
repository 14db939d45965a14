import { admittedAt } from "./budget.ts";
import type { Slot } from "./budget.ts";
import type { ScopeView, Summary } from "./views.ts";

export interface Backlog {
  /** Networks that are pending, by profile. */
  readonly pending: ReadonlyMap<string, number>;
  readonly scopes: readonly Pick<ScopeView, "profile" | "credential" | "ours">[];
  readonly pauses: Summary["pauses"];
  /** Calls made, by credential. */
  readonly slots: ReadonlyMap<string, readonly Slot[]>;
  readonly budget: number;
}

/**
 * When the budget will have let through what is pending, at one call for a network and place: milliseconds since 1970.
 * Null: nothing is pending, or what is in its way is not the budget.
 */
export function backlogDoneAt(backlog: Backlog, now: number): number | null {
  const { pending, scopes, pauses, slots, budget } = backlog;
  const calls = new Map<string, number>();
  for (const [profile, networks] of pending) {
    const own = scopes.filter((scope) => scope.profile === profile);
    const places = Math.max(1, own.filter(({ ours }) => ours !== null).length);
    const credential = own[0]?.credential ?? "";
    calls.set(credential, (calls.get(credential) ?? 0) + networks * places);
    if (pauses.some(({ subject }) => subject.startsWith(`profile:${profile}/`))) return null;
  }
  if (calls.size === 0) return null;
  const ends = [...calls].map(([credential, count]) => {
    const pause = pauses.find(({ subject }) => subject === `credential:${credential}`);
    if (pause !== undefined && pause.failures > 0) return null;
    const admitted = admittedAt(count, { slots: slots.get(credential) ?? [], now, budget });
    return Math.max(admitted, pause?.untilAt ?? now);
  });
  return ends.reduce((latest, end) => (latest === null || end === null ? null : Math.max(latest, end)));
}
