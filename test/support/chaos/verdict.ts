import type { Ended } from "../program.ts";
import type { Backend } from "./backend.ts";
import { judgeBooking, judgeBudget } from "./calls.ts";
import { differences, wantedAt } from "./expected.ts";
import type { ChaosHost } from "./host.ts";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

/** What a sync that takes its time says of how far it is. */
const progress = /^(Comparing list|Comparing zone) .*: \d+$/;

/** Compares the edge and the journals with the model, when all is at rest and no courier is at work. */
export async function judge(
  world: World,
  { planted, patienceMs }: { readonly planted: readonly string[]; readonly patienceMs: number },
): Promise<void> {
  const { scenario, backend, edge, hosts, figures, drifted, diverge } = world;
  figures.calls = edge.calls.length;
  compare(world, planted, new Set([...sharedNetworks(scenario, backend), ...drifted]));
  await judgeBooking(world);
  for (const host of hosts) {
    const { stdout, stderr } = await patiently(host, patienceMs, "sync", "--dry-run");
    const differing = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("="));
    // Where two hosts meet, or somebody has deleted something, only a sync can tell.
    const excused = (hosts.length > 1 && host.plan.fleet === undefined) || drifted.size > 0;
    const said = stderr.split("\n").filter((line) => line !== "" && !progress.test(line));
    if (said.length > 0 || (!excused && differing.length > 0))
      diverge(`${host.plan.name}'s journal differs from the edge: ${[...differing, ...said].join(" | ")}`);
  }
  for (const host of hosts) {
    const { code, stderr } = await patiently(host, patienceMs, "sync");
    if (code !== 0) diverge(`sync on ${host.plan.name} ended with ${code}: ${stderr.trim()}`);
  }
  compare(world, planted, new Set());
  judgeBudget(world);
}

/** What others have put there, to the byte. */
export function foreignBytes({ scenario, backend, edge }: World): string[] {
  const theirs = new Set(scenario.foreign.map(({ place, network, mark }) => `${place} ${network} ${mark}`));
  const standing = backend
    .standing(edge)
    .filter(({ place, network, mark }) => theirs.has(`${place} ${network} ${mark}`))
    .map(({ bytes }) => bytes);
  return [...standing, ...backend.besides(edge)];
}

function compare(world: World, planted: readonly string[], excused: ReadonlySet<string>): void {
  const { scenario, backend, edge, jails, diverge } = world;
  const standing = backend.standing(edge);
  for (const place of scenario.places) {
    const wanted = wantedAt(place, jails, backend, Date.now());
    differences({ backend, place, wanted, standing, foreign: scenario.foreign, excused }).forEach(diverge);
  }
  if (JSON.stringify(foreignBytes(world)) !== JSON.stringify(planted))
    diverge("something of others has changed");
}

/** Runs a person's command, and again as long as it says that Cloudflare is to be left alone for a while. */
async function patiently(host: ChaosHost, patienceMs: number, ...args: readonly string[]): Promise<Ended> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const ended = await host.run(...args);
    if (ended.code !== 5 || Date.now() > giveUpAt) return ended;
    await Bun.sleep(2_000);
  }
}

/** Where more than one host may come to block: one that has met the other's block misses it until a sync. */
function sharedNetworks({ hosts, places }: Scenario, backend: Backend): string[] {
  const byHost = hosts
    .filter(({ fleet }) => fleet === undefined)
    .map((host) => new Set(host.targets.flatMap((target) => backend.networksOf(target, host.ipv6Prefix))));
  const shared = byHost.flatMap((mine, index) =>
    [...mine].filter((network) => byHost[1 - index]?.has(network)),
  );
  return places.flatMap((place) => shared.map((network) => `${place} ${network}`));
}
