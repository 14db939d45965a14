import { fakeCloudflare } from "../fake-cloudflare.ts";
import { until } from "../wait.ts";
import type { Backend } from "./backend.ts";
import { dice } from "./dice.ts";
import { differences, wantedAt } from "./expected.ts";
import type { Figures } from "./figures.ts";
import { noFigures } from "./figures.ts";
import { chaosHost } from "./host.ts";
import type { ChaosHost, HookEnd } from "./host.ts";
import { chaosJail } from "./jail.ts";
import type { ChaosJail } from "./jail.ts";
import { restless } from "./rest.ts";
import { saboteur } from "./saboteur.ts";
import type { Scenario } from "./scenario.ts";
import { watchEdge } from "./watch.ts";

export interface Round {
  readonly scenario: Scenario;
  readonly figures: Figures;
  /** Where the product and the model part; empty: nowhere. */
  readonly divergences: readonly string[];
  /** What happened, a line each. */
  readonly story: readonly string[];
}

export interface RoundOptions {
  readonly backend: Backend;
  readonly binary: string;
  /** How long it may take until all is delivered once the storm is over. */
  readonly restMs: number;
}

/** One round: a storm of operations, faults and kills; then peace, and a comparison of the edge with the model. */
export async function chaosRound(
  scenario: Scenario,
  { backend, binary, restMs }: RoundOptions,
): Promise<Round> {
  const { budget, foreign, places } = scenario;
  const figures = { ...noFigures(), rounds: 1 };
  const [divergences, story]: [string[], string[]] = [[], []];
  const startedAt = Date.now();
  const tell = (line: string): void => void story.push(`+${Date.now() - startedAt} ms ${line}`);
  const diverge = (difference: string): void => {
    divergences.push(difference);
    tell(`DIVERGENCE: ${difference}`);
  };

  await using stack = new AsyncDisposableStack();
  const edge = stack.use(
    fakeCloudflare({
      zones: places.map((name) => ({ name })),
      limit: { calls: budget, windowMs: 300_000 },
      contract: "off",
    }),
  );
  edge.ranges = { ipv4: ["203.0.113.240/28"], ipv6: ["2001:db8:cf::/48"] };
  for (const one of foreign) backend.plant(edge, one);
  const planted = foreignBytes();
  const hosts = scenario.hosts.map((plan) => stack.use(chaosHost(edge, { plan, backend, binary, budget })));
  const jails = scenario.jails.flatMap((plan) => {
    const host = hosts.find((one) => one.plan === plan.host);
    const roll = dice(`${scenario.seed}/kills/${plan.host.name}/${plan.jail}`);
    return host === undefined ? [] : [chaosJail(host, plan, { roll, told: hookEnded })];
  });
  const drifted = new Set<string>();
  watchEdge(edge, { backend, jails, lagMs: 16_000, excused: drifted, told: diverge });

  function hookEnded(line: string, { code, stderr }: HookEnd): void {
    figures.hooks += 1;
    if (code === null) figures.hooksKilled += 1;
    tell(`${line} → ${code ?? "killed"}`);
    // 4: recorded, and said that the credential is rejected.
    if (code !== null && code !== 0 && code !== 4) diverge(`${line} ended with ${code}: ${stderr.trim()}`);
  }

  function foreignBytes(): string[] {
    const here = new Set(foreign.map(({ place, network }) => `${place} ${network}`));
    return backend
      .standing(edge)
      .filter(({ place, network }) => here.has(`${place} ${network}`))
      .map(({ bytes }) => bytes);
  }

  function compare(excused: ReadonlySet<string>): void {
    const standing = backend.standing(edge);
    for (const place of places) {
      const wanted = wantedAt(place, jails, backend, Date.now());
      differences({ place, wanted, standing, foreign, excused }).forEach(diverge);
    }
    if (JSON.stringify(foreignBytes()) !== JSON.stringify(planted))
      diverge("something of others has changed");
  }

  const working = new AbortController();
  const timers = hosts.map((host) => timer(host, working.signal, diverge));
  await storm();
  tell("peace");
  for (const jail of jails) await jail.settle();
  await until(
    async () => {
      for (const jail of jails) await jail.unbanEnded();
      const reasons = await Promise.all(hosts.map((host) => restless(host)));
      return reasons.every((reason) => reason === null);
    },
    {
      deadlineMs: restMs,
      everyMs: 500,
      what: async () => `rest: ${(await Promise.all(hosts.map((host) => restless(host)))).join("; ")}`,
    },
  ).catch((error: unknown) => diverge(String(error)));
  working.abort();
  await Promise.all(timers);
  for (const host of hosts) await host.killCouriers();

  figures.calls = edge.calls.length;
  compare(new Set([...sharedNetworks(scenario, backend), ...drifted]));
  await checkJournals();
  for (const host of hosts) await mustSync(host);
  compare(new Set());
  if (edge.overLimit > 0) diverge(`${edge.overLimit} calls beyond the budget of ${budget}`);
  figures.divergences = divergences.length;
  for (const host of hosts) story.push(host.plan.name, host.log());
  return { scenario, figures, divergences, story };

  async function storm(): Promise<void> {
    const over = new AbortController();
    const wrong = saboteur(scenario.sabotage, {
      edge,
      backend,
      hosts,
      figures,
      excused: drifted,
      told: tell,
      diverged: diverge,
      signal: over.signal,
    });
    await Promise.all(jails.map(live));
    over.abort();
    await wrong;
  }

  async function live(jail: ChaosJail): Promise<void> {
    for (const operation of jail.plan.operations) {
      figures.operations += 1;
      await jail.unbanEnded();
      await jail.perform(operation);
    }
  }

  /** Every call was booked before it was made, and the journals know what stands at the edge. */
  async function checkJournals(): Promise<void> {
    let booked = 0;
    for (const host of hosts) {
      booked += (JSON.parse((await host.run("status", "--json")).stdout) as { calls: number }).calls;
      const { stdout, stderr } = await host.run("sync", "--dry-run");
      const differing = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("="));
      if (stderr !== "" || (hosts.length === 1 && drifted.size === 0 && differing.length > 0))
        diverge(`${host.plan.name}'s journal differs from the edge: ${[...differing, stderr].join(" | ")}`);
    }
    if (booked < figures.calls) diverge(`${figures.calls} calls were made, and only ${booked} booked`);
  }

  async function mustSync(host: ChaosHost): Promise<void> {
    const { code, stderr } = await host.run("sync");
    if (code !== 0) diverge(`sync on ${host.plan.name} ended with ${code}: ${stderr.trim()}`);
  }
}

/** Starts a courier every second, as the timer does every minute. */
async function timer(
  host: ChaosHost,
  signal: AbortSignal,
  diverge: (difference: string) => void,
): Promise<void> {
  const couriers: Promise<void>[] = [];
  while (!signal.aborted) {
    couriers.push(host.deliver().then((said) => (said === null ? undefined : diverge(said))));
    await Bun.sleep(1_000);
  }
  await host.killCouriers();
  await Promise.all(couriers);
}

/** Where more than one host may come to block: one that has met the other's block misses it until a sync. */
function sharedNetworks({ hosts, places }: Scenario, backend: Backend): string[] {
  const byHost = hosts.map(
    (host) => new Set(host.targets.flatMap((target) => backend.networksOf(target, host.ipv6Prefix))),
  );
  const shared = byHost.flatMap((mine, index) =>
    [...mine].filter((network) => byHost[1 - index]?.has(network)),
  );
  return places.flatMap((place) => shared.map((network) => `${place} ${network}`));
}
