import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { Backend } from "./backend.ts";
import type { Figures } from "./figures.ts";
import type { ChaosHost } from "./host.ts";
import type { Sabotage } from "./sabotage.ts";

export interface SaboteurOptions {
  readonly edge: FakeCloudflare;
  readonly backend: Backend;
  readonly hosts: readonly ChaosHost[];
  readonly figures: Figures;
  /** What has been taken away in the dashboard, by place and network. */
  readonly excused: Set<string>;
  readonly told: (line: string) => void;
  readonly diverged: (difference: string) => void;
  readonly signal: AbortSignal;
}

/** Does one thing after the other until the storm is over. */
export async function saboteur(plan: readonly Sabotage[], options: SaboteurOptions): Promise<void> {
  const { edge, hosts, figures, told, signal } = options;
  const people: Promise<void>[] = [];
  const named = (name: string): ChaosHost | undefined => hosts.find(({ plan }) => plan.name === name);
  const killAll = async (): Promise<void> => {
    for (const host of hosts) figures.couriersKilled += await host.killCouriers();
  };
  for (const sabotage of plan) {
    await Bun.sleep(sabotage.afterMs);
    if (signal.aborted) break;
    const { afterMs: _, ...act } = sabotage;
    told(`sabotage: ${JSON.stringify(act)}`);
    switch (act.kind) {
      case "latency":
        edge.latencyMs = act.ms;
        break;
      case "killCouriers":
        await killAll();
        break;
      case "killAtCall":
        trap(edge, act.point, killAll);
        break;
      case "drift":
        drift(options, act.which);
        break;
      case "move":
        named(act.host)?.move(act.profile, act.places);
        break;
      case "person": {
        const host = named(act.host);
        if (host !== undefined) people.push(work(host, act.command, options));
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
  edge.heal();
  await Promise.all(people);
}

/** A person's command may be told to come back later, or be killed with the couriers; a bug it must not have. */
async function work(
  host: ChaosHost,
  command: readonly string[],
  { told, diverged }: SaboteurOptions,
): Promise<void> {
  const { code, stderr } = await host.run(...command);
  told(`${host.plan.name} ${command.join(" ")} → ${code}`);
  if (code === 1) diverged(`${command.join(" ")} ended with 1: ${stderr.trim()}`);
}

function drift({ edge, backend, hosts, excused, told }: SaboteurOptions, which: number): void {
  const ours = backend
    .standing(edge)
    .filter(({ mark }) => hosts.some(({ plan }) => mark.endsWith(` host:${plan.name}`)));
  const gone = ours[which % Math.max(1, ours.length)];
  if (gone === undefined) return;
  excused.add(`${gone.place} ${gone.network}`);
  told(`deleted in the dashboard: ${gone.place} ${gone.network}`);
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
