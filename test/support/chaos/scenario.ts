import type { Backend, Foreign } from "./backend.ts";
import type { Dice } from "./dice.ts";
import { fleetName } from "./fleet.ts";
import { dice } from "./dice.ts";
import type { Operation } from "./operations.ts";
import { operations } from "./operations.ts";
import { sabotage } from "./sabotage.ts";
import type { Sabotage } from "./sabotage.ts";
import type { Target } from "./targets.ts";
import { targets } from "./targets.ts";

export interface HostPlan {
  readonly name: string;
  /** The fleet that it is in; undefined: it stands alone. */
  readonly fleet?: string;
  readonly graceS: number;
  readonly ipv6Prefix: 64 | 128;
  /** Where each profile blocks. */
  readonly profiles: ReadonlyMap<string, readonly string[]>;
  readonly targets: readonly Target[];
}

export interface JailPlan {
  readonly host: HostPlan;
  readonly jail: string;
  readonly profile: string;
  /** "": the configuration's. */
  readonly mode: string;
  /** Bans by people, of which fail2ban knows nothing. */
  readonly byHand: boolean;
  readonly operations: readonly Operation[];
}

/** Everything that a round is made of, the same for the same seed. */
export interface Scenario {
  readonly seed: string;
  readonly places: readonly string[];
  readonly hosts: readonly HostPlan[];
  readonly jails: readonly JailPlan[];
  readonly foreign: readonly Foreign[];
  readonly sabotage: readonly Sabotage[];
  readonly budget: number;
}

export interface ScenarioOptions {
  /** For each jail. */
  readonly operations: number;
  /** Whether rounds may take minutes: calls that hang, bans that end by themselves, a budget that is spent. */
  readonly patient: boolean;
  /** Whether there are three hosts that share a journal. */
  readonly fleet?: boolean;
}

export function scenario(seed: string, backend: Backend, options: ScenarioOptions): Scenario {
  const roll = dice(seed);
  const places = ["example.com", "example.org"];
  const rarely = (probability: number): boolean => options.patient && roll.chance(probability);
  const [hangs, limits, rejections] = [rarely(0.2), rarely(0.3), rarely(0.15)];
  const [ends, tight] = [rarely(0.15), rarely(0.05)];
  const wild = roll.apart("wild");
  const [drifts, people, moves] = [wild.chance(0.2), wild.chance(0.2), wild.chance(0.25)];
  const plansOf = options.fleet === true ? fleetPlans : hostPlans;
  const hosts = plansOf(roll.apart("hosts"), backend, places);
  const jails = hosts.flatMap((host) =>
    ["sshd", "nginx-limit-req", "postfix", "by-hand"].map((jail) => {
      const byHand = jail === "by-hand";
      const mine = roll.apart(`${host.name}/${jail}`);
      return {
        host,
        jail,
        profile: mine.pick([...host.profiles.keys()]),
        mode: mine.pick(["", "block", "managed_challenge", "challenge", "js_challenge"]),
        operations: operations(mine, host.targets, {
          count: options.operations,
          shortS: ends ? 1 : null,
          byHand,
        }),
        byHand,
      };
    }),
  );
  return {
    seed,
    places,
    hosts,
    jails,
    foreign: foreignPlans(roll.apart("foreign"), backend, places),
    sabotage: sabotage(roll.apart("sabotage"), {
      count: 400,
      hangs,
      limits,
      rejections,
      drifts,
      people,
      moves,
      hosts,
      backend,
      places,
    }),
    budget: tight ? 80 : 1_000,
  };
}

/** One server, or two that block in the same zones, and now and then the same address. */
function hostPlans(roll: Dice, backend: Backend, places: readonly string[]): HostPlan[] {
  const [first = "", second = ""] = places;
  const names = roll.chance(0.4) ? ["web1", "web2"] : ["web1"];
  return names.map((name, index) => {
    const other = backend.together(roll.pick([[first], [second], [second, first]]));
    return {
      name,
      graceS: roll.pick([2, 12]),
      ipv6Prefix: roll.pick([64, 128, 128]),
      profiles: new Map(
        roll.chance(0.5)
          ? [
              ["", [first]],
              ["other", other],
            ]
          : [["", [first]]],
      ),
      targets: targets.filter((_, at) => names.length === 1 || at % 2 === index || at % 7 === 0),
    };
  });
}

/** Three servers of a fleet, which have the same profiles and now and then ban the same address. */
function fleetPlans(roll: Dice, backend: Backend, places: readonly string[]): HostPlan[] {
  const [alone] = hostPlans(roll, backend, places);
  return ["web1", "web2", "web3"].map((name, index) => ({
    name,
    fleet: fleetName,
    graceS: roll.pick([2, 12]),
    ipv6Prefix: roll.pick([64, 128, 128]),
    profiles: alone?.profiles ?? new Map(),
    targets: targets.filter((_, at) => at % 3 === index || at % 4 === 0),
  }));
}

/** What others have put on some of the networks that fail2ban is going to ban. */
function foreignPlans(roll: Dice, backend: Backend, places: readonly string[]): Foreign[] {
  const networks = [...new Set(targets.flatMap((target) => backend.networksOf(target, 128)))];
  return places.flatMap((place) =>
    roll.some(networks, 0.12).map((network) => ({
      place,
      network,
      ...roll.pick([
        { mode: "block", mark: "bad neighbour" },
        { mode: "whitelist", mark: "our <office>" },
        { mode: "challenge", mark: "Fail2Ban sshd host:web9" },
        { mode: "block", mark: "Fail2Ban sshd" },
        { mode: "block", mark: "Fail2Ban sshd host:my-web1" },
      ] as const),
    })),
  );
}
