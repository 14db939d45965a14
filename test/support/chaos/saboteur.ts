import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { Figures } from "./figures.ts";
import type { ChaosHost } from "./host.ts";
import type { Sabotage } from "./sabotage.ts";

export interface SaboteurOptions {
  readonly edge: FakeCloudflare;
  readonly hosts: readonly ChaosHost[];
  readonly figures: Figures;
  readonly told: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Does one thing after the other until the storm is over. */
export async function saboteur(plan: readonly Sabotage[], options: SaboteurOptions): Promise<void> {
  const { edge, hosts, figures, told, signal } = options;
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
