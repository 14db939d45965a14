import { until } from "../wait.ts";
import { dice } from "./dice.ts";
import type { Figures } from "./figures.ts";
import { databaseTrouble } from "./fleet.ts";
import type { ChaosHost } from "./host.ts";
import type { ChaosJail } from "./jail.ts";
import { restless } from "./rest.ts";
import { saboteur } from "./saboteur.ts";
import type { Scenario } from "./scenario.ts";
import { foreignBytes, judge } from "./verdict.ts";
import { chaosWorld } from "./world.ts";
import type { World, WorldOptions } from "./world.ts";

export interface Round {
  readonly figures: Figures;
  /** Where the product and the model part; empty: nowhere. */
  readonly divergences: readonly string[];
  /** What happened, a line each. */
  readonly story: readonly string[];
}

export interface RoundOptions extends WorldOptions {
  /** How long it may take until all is delivered once the storm is over. */
  readonly restMs: number;
}

/** One round: a storm of operations, faults and kills; then peace, and a comparison of the edge with the model. */
export async function chaosRound(scenario: Scenario, { restMs, ...options }: RoundOptions): Promise<Round> {
  await using world = chaosWorld(scenario, options);
  const { hosts, jails, story, tell } = world;
  const planted = foreignBytes(world);
  const working = new AbortController();
  const timers = hosts.map((host) => timer(world, host, working.signal));
  await storm(world);
  tell("peace");
  for (const jail of jails) await jail.settle();
  await rest(world, restMs);
  working.abort();
  await Promise.all(timers);
  for (const host of hosts) await host.killCouriers();
  await judge(world, { planted, patienceMs: restMs });
  for (const host of hosts) story.push(host.plan.name, host.log());
  const { figures, divergences } = world;
  return { figures, divergences, story };
}

async function storm(world: World): Promise<void> {
  const over = new AbortController();
  const { fleet, scenario, tell } = world;
  const wrong = [saboteur(world, over.signal)];
  if (fleet !== null) {
    const roll = dice(`${scenario.seed}/database`);
    wrong.push(databaseTrouble(fleet, roll, { signal: over.signal, tell }));
  }
  await Promise.all(world.jails.map((jail) => live(jail, world.figures)));
  over.abort();
  await Promise.all(wrong);
}

async function live(jail: ChaosJail, figures: Figures): Promise<void> {
  for (const operation of jail.plan.operations) {
    figures.operations += 1;
    await jail.unbanEnded();
    await jail.perform(operation);
  }
}

/** Waits until nobody has anything more to do, not even a courier that has just read the configuration. */
async function rest({ hosts, jails, diverge }: World, restMs: number): Promise<void> {
  let reasons: string[] = [];
  const isAtRest = async (): Promise<boolean> => {
    reasons = (await Promise.all(hosts.map(restless))).filter((reason) => reason !== null);
    return reasons.length === 0;
  };
  try {
    await until(
      async () => {
        for (const jail of jails) await jail.unbanEnded();
        if (!(await isAtRest())) return false;
        await Promise.all(hosts.map((host) => host.run("deliver", "--once")));
        return isAtRest();
      },
      { deadlineMs: restMs, everyMs: 500, what: () => `rest: ${reasons.join("; ")}` },
    );
  } catch (error) {
    diverge(String(error));
  }
}

/** Starts a courier every second, as the timer does every minute. */
async function timer({ diverge }: World, host: ChaosHost, signal: AbortSignal): Promise<void> {
  const couriers: Promise<void>[] = [];
  while (!signal.aborted) {
    couriers.push(host.deliver().then((said) => (said === null ? undefined : diverge(said))));
    await Bun.sleep(1_000);
  }
  await host.killCouriers();
  await Promise.all(couriers);
}
