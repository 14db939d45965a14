import type { FakeCloudflare } from "../fake-cloudflare.ts";
import { ownerOf } from "./fleet.ts";
import type { ChaosHost } from "./host.ts";
import type { World } from "./world.ts";

/** Does one thing after the other until the storm is over. */
export async function saboteur(world: World, signal: AbortSignal): Promise<void> {
  const { scenario, edge, hosts, figures, tell } = world;
  const people: Promise<void>[] = [];
  const named = (name: string): ChaosHost | undefined => hosts.find(({ plan }) => plan.name === name);
  const killAll = async (): Promise<number> => {
    const killed = await Promise.all(hosts.map((host) => host.killCouriers()));
    const sum = killed.reduce((total, couriers) => total + couriers, 0);
    figures.couriersKilled += sum;
    return sum;
  };
  const cutOff = async (): Promise<void> => {
    figures.couriersCutOff += await killAll();
  };
  for (const sabotage of scenario.sabotage) {
    await Bun.sleep(sabotage.afterMs);
    if (signal.aborted) break;
    const { afterMs: _, ...act } = sabotage;
    tell(`sabotage: ${JSON.stringify(act)}`);
    switch (act.kind) {
      case "latency":
        edge.latencyMs = act.ms;
        break;
      case "bulk":
        edge.lists.bulk.delayMs = act.delayMs;
        if (act.othersMs > 0) edge.lists.occupy(act.othersMs);
        break;
      case "killCouriers":
        await killAll();
        break;
      case "killAtCall":
        trap(edge, act.point, cutOff);
        break;
      case "drift":
        drift(world, act.which);
        break;
      case "move":
        // A fleet has one configuration.
        for (const host of hosts)
          if (host.plan.name === act.host || host.plan.fleet !== undefined)
            host.move(act.profile, act.places);
        break;
      case "person": {
        const host = named(act.host);
        if (host !== undefined) people.push(work(world, host, act.command));
        break;
      }
      case "fault":
        edge.fail(act.fault, {
          times: act.times,
          when({ method }) {
            if (act.method !== null && act.method !== method) return false;
            figures.faults[act.fault.kind] = (figures.faults[act.fault.kind] ?? 0) + 1;
            return true;
          },
        });
    }
  }
  edge.onRequest = null;
  edge.onAnswer = null;
  edge.latencyMs = 0;
  edge.lists.bulk.delayMs = 0;
  edge.heal();
  await Promise.all(people);
}

/** A person's command may be told to come back later, or be killed with the couriers; a bug it must not have. */
async function work({ tell, diverge }: World, host: ChaosHost, command: readonly string[]): Promise<void> {
  const { code, stderr } = await host.run(...command);
  tell(`${host.plan.name} ${command.join(" ")} → ${code}`);
  if (code === 1) diverge(`${command.join(" ")} ended with 1: ${stderr.trim()}`);
}

function drift({ edge, backend, hosts, drifted, tell }: World, which: number): void {
  const ours = backend
    .standing(edge)
    .filter(({ mark }) => hosts.some(({ plan }) => mark.endsWith(` host:${ownerOf(plan)}`)));
  const gone = ours[which % Math.max(1, ours.length)];
  if (gone === undefined) return;
  drifted.add(`${gone.place} ${gone.network}`);
  tell(`deleted in the dashboard: ${gone.place} ${gone.network}`);
  backend.remove(edge, gone);
}

/** Kills whoever makes the next call: before it is processed, and then it never is, or before its answer is sent. */
function trap(edge: FakeCloudflare, point: "before" | "after", kill: () => Promise<void>): void {
  if (point === "before") {
    edge.onRequest = async ({ method, path }) => {
      edge.onRequest = null;
      await kill();
      edge.fail({ kind: "reset" }, { when: (request) => request.method === method && request.path === path });
    };
  } else {
    edge.onAnswer = async () => {
      edge.onAnswer = null;
      await kill();
    };
  }
}
