import type { Fault } from "../cloudflare/faults.ts";
import type { Backend } from "./backend.ts";
import type { Dice } from "./dice.ts";
import type { HostPlan } from "./scenario.ts";

/** Something that goes wrong, `afterMs` after what went wrong before it. */
export type Sabotage = { readonly afterMs: number } & (
  | {
      readonly kind: "fault";
      readonly fault: Fault;
      readonly times: number;
      /** Which calls meet it; null: any. */
      readonly method: string | null;
    }
  /** Cloudflare takes so long for every call from here on. */
  | { readonly kind: "latency"; readonly ms: number }
  /** From here on an operation takes so long; and another tool begins one. */
  | { readonly kind: "bulk"; readonly delayMs: number; readonly othersMs: number }
  | { readonly kind: "killCouriers" }
  /** At the next call: before it is processed, and then it never is; or after, and its answer is never read. */
  | { readonly kind: "killAtCall"; readonly point: "before" | "after" }
  /** Somebody deletes a block of ours in the dashboard, the how manieth of those that stand there. */
  | { readonly kind: "drift"; readonly which: number }
  /** Somebody works beside the courier. */
  | { readonly kind: "person"; readonly host: string; readonly command: readonly string[] }
  /** The administrator has a profile block elsewhere. */
  | {
      readonly kind: "move";
      readonly host: string;
      readonly profile: string;
      readonly places: readonly string[];
    }
);

export interface SabotageOptions {
  readonly count: number;
  /** Calls that are never answered: a courier waits fifteen seconds for each. */
  readonly hangs: boolean;
  /** A limit that does not say for how long: nothing is tried for a minute. */
  readonly limits: boolean;
  /** Answers that reject the credential: nothing is tried for five minutes, or until somebody asks for it. */
  readonly rejections: boolean;
  readonly drifts: boolean;
  readonly people: boolean;
  readonly moves: boolean;
  readonly hosts: readonly HostPlan[];
  readonly backend: Backend;
  readonly places: readonly string[];
}

/** Statuses that say nothing about the one address: it is tried again. */
const passing = [408, 500, 502, 503, 504, 520, 522, 524];

export function sabotage(roll: Dice, options: SabotageOptions): Sabotage[] {
  const { count, hangs, limits, rejections, drifts, people, moves, hosts, backend, places } = options;
  const faults: (() => Fault)[] = [
    () => ({ kind: "status", status: roll.pick(passing) }),
    () => ({ kind: "html", status: roll.pick([200, 403, 502, 503]) }),
    () => ({ kind: "rateLimited", retryAfterS: 1 }),
    () => ({ kind: "reset" }),
    () => ({ kind: "lostAnswer" }),
    () => ({ kind: "slow", ms: roll.whole(20, 800) }),
    () => ({ kind: "truncated" }),
    () => ({ kind: "nullResult" }),
    ...(limits ? [() => ({ kind: "html", status: 429 }) as const] : []),
    ...(hangs ? [() => ({ kind: "hang" }) as const] : []),
    ...(rejections ? [() => ({ kind: "status", status: roll.pick([401, 403]), code: 10000 }) as const] : []),
  ];
  const next = (): Sabotage => {
    const afterMs = roll.whole(10, 400);
    const { name: host, profiles } = roll.pick(hosts);
    if (drifts && roll.chance(0.08)) return { kind: "drift", which: roll.whole(0, 99), afterMs };
    if (people && roll.chance(0.08))
      return { kind: "person", host, command: roll.pick([["sync"], ["deliver", "--once"]]), afterMs };
    if (moves && roll.chance(0.06)) {
      const to = roll.some(places, 0.6);
      const profile = roll.pick([...profiles.keys()]);
      const together = backend.together(to.length > 0 ? to : [roll.pick(places)]);
      return { kind: "move", host, profile, places: together, afterMs };
    }
    if (backend.inBulk && roll.chance(0.08)) {
      const [delayMs, othersMs] = [roll.pick([0, 300, 1_500]), roll.pick([0, 500, 2_500])];
      return { kind: "bulk", delayMs, othersMs, afterMs };
    }
    if (roll.chance(0.2)) return { kind: "killCouriers", afterMs };
    if (roll.chance(0.25)) return { kind: "killAtCall", point: roll.pick(["before", "after"]), afterMs };
    if (roll.chance(0.1)) return { kind: "latency", ms: roll.pick([0, 0, 5, 60]), afterMs };
    const method = roll.pick([null, "POST", "DELETE", "PATCH", "GET"]);
    return { kind: "fault", fault: roll.pick(faults)(), times: roll.whole(1, 3), method, afterMs };
  };
  return Array.from({ length: count }, next);
}
