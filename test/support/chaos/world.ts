import { fakeCloudflare } from "../fake-cloudflare.ts";
import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { Backend } from "./backend.ts";
import { dice } from "./dice.ts";
import type { ChaosFleet } from "./fleet.ts";
import type { Figures } from "./figures.ts";
import { noFigures } from "./figures.ts";
import { chaosHost } from "./host.ts";
import type { ChaosHost, HookEnd } from "./host.ts";
import { chaosJail } from "./jail.ts";
import type { ChaosJail } from "./jail.ts";
import type { Scenario } from "./scenario.ts";
import { watchEdge } from "./watch.ts";

/** Everything that takes part in a round. */
export interface World extends AsyncDisposable {
  readonly scenario: Scenario;
  readonly backend: Backend;
  readonly fleet: ChaosFleet | null;
  readonly edge: FakeCloudflare;
  readonly hosts: readonly ChaosHost[];
  readonly jails: readonly ChaosJail[];
  /** What has been deleted in the dashboard, by place and network. */
  readonly drifted: Set<string>;
  readonly figures: Figures;
  /** Where the product and the model part. */
  readonly divergences: readonly string[];
  /** What happened, a line each. */
  readonly story: string[];
  tell(line: string): void;
  diverge(difference: string): void;
}

export interface WorldOptions {
  readonly backend: Backend;
  readonly binary: string;
  /** The journal that the hosts share; undefined: each has its own. */
  readonly fleet?: ChaosFleet;
}

/** So much older may be what a fleet's courier acts on, while the database is away. */
const awayMs = 14_000;

export function chaosWorld(scenario: Scenario, { backend, binary, fleet }: WorldOptions): World {
  const { budget, foreign, places } = scenario;
  const figures = { ...noFigures(), rounds: 1 };
  const [divergences, story]: [string[], string[]] = [[], []];
  const startedAt = Date.now();
  const tell = (line: string): void => void story.push(`+${Date.now() - startedAt} ms ${line}`);
  const diverge = (difference: string): void => {
    divergences.push(difference);
    figures.divergences += 1;
    tell(`DIVERGENCE: ${difference}`);
  };
  const hookEnded = (line: string, { code, stderr }: HookEnd): void => {
    figures.hooks += 1;
    if (code === null) figures.hooksKilled += 1;
    tell(`${line} → ${code ?? "killed"}`);
    // 4: recorded, and said that the credential is rejected.
    if (code !== null && code !== 0 && code !== 4) diverge(`${line} ended with ${code}: ${stderr.trim()}`);
  };

  const stack = new AsyncDisposableStack();
  const edge = stack.use(
    fakeCloudflare({
      zones: places.map((name) => ({ name })),
      limit: { calls: budget, windowMs: 300_000 },
      contract: "off",
    }),
  );
  // None that fail2ban is going to ban.
  edge.ranges = { ipv4: ["203.0.113.240/28"], ipv6: ["2001:db8:cf::/48"] };
  backend.prepare(edge, foreign);
  const hosts = scenario.hosts.map((plan) =>
    stack.use(chaosHost(edge, { plan, backend, binary, budget, ...(fleet === undefined ? {} : { fleet }) })),
  );
  const jails = scenario.jails.flatMap((plan) => {
    const host = hosts.find((one) => one.plan === plan.host);
    const roll = dice(`${scenario.seed}/kills/${plan.host.name}/${plan.jail}`);
    return host === undefined ? [] : [chaosJail(host, plan, { roll, told: hookEnded })];
  });
  const drifted = new Set<string>();
  const lagMs = backend.lagMs + (fleet === undefined ? 0 : awayMs);
  watchEdge(edge, { backend, jails, lagMs, excused: drifted, told: diverge });
  return {
    scenario,
    backend,
    fleet: fleet ?? null,
    edge,
    hosts,
    jails,
    drifted,
    figures,
    divergences,
    story,
    tell,
    diverge,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
