import type { Backend } from "./backend.ts";
import { differences, wantedAt } from "./expected.ts";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

/** Compares the edge and the journals with the model, when all is at rest and no courier is at work. */
export async function judge(world: World, planted: readonly string[]): Promise<void> {
  const { scenario, backend, edge, hosts, figures, drifted, diverge } = world;
  figures.calls = edge.calls.length;
  compare(world, planted, new Set([...sharedNetworks(scenario, backend), ...drifted]));
  await judgeJournals(world);
  for (const host of hosts) {
    const { code, stderr } = await host.run("sync");
    if (code !== 0) diverge(`sync on ${host.plan.name} ended with ${code}: ${stderr.trim()}`);
  }
  compare(world, planted, new Set());
  if (edge.overLimit > 0) diverge(`${edge.overLimit} calls beyond the budget of ${scenario.budget}`);
}

/** What others have put there, to the byte. */
export function foreignBytes({ scenario, backend, edge }: World): string[] {
  const theirs = new Set(scenario.foreign.map(({ place, network }) => `${place} ${network}`));
  return backend
    .standing(edge)
    .filter(({ place, network }) => theirs.has(`${place} ${network}`))
    .map(({ bytes }) => bytes);
}

function compare(world: World, planted: readonly string[], excused: ReadonlySet<string>): void {
  const { scenario, backend, edge, jails, diverge } = world;
  const standing = backend.standing(edge);
  for (const place of scenario.places) {
    const wanted = wantedAt(place, jails, backend, Date.now());
    differences({ place, wanted, standing, foreign: scenario.foreign, excused }).forEach(diverge);
  }
  if (JSON.stringify(foreignBytes(world)) !== JSON.stringify(planted))
    diverge("something of others has changed");
}

/** Every call was booked before it was made, and the journals know what stands at the edge. */
async function judgeJournals({ hosts, drifted, figures, diverge }: World): Promise<void> {
  let booked = 0;
  for (const host of hosts) {
    const { calls } = JSON.parse((await host.run("status", "--json")).stdout) as { calls: unknown };
    if (typeof calls !== "number")
      throw new Error(`"status --json" names no calls: ${JSON.stringify(calls)}`);
    booked += calls;
    const { stdout, stderr } = await host.run("sync", "--dry-run");
    const differing = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("="));
    // Where two hosts meet, or somebody has deleted something, only a sync can tell.
    const excused = hosts.length > 1 || drifted.size > 0;
    if (stderr !== "" || (!excused && differing.length > 0))
      diverge(`${host.plan.name}'s journal differs from the edge: ${[...differing, stderr].join(" | ")}`);
  }
  if (booked < figures.calls) diverge(`${figures.calls} calls were made, and only ${booked} booked`);
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
