import type { Config, FleetConfig } from "../../config.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import type { Backlog, Summary } from "../../core/views.ts";
import { Failure } from "../../errors.ts";
import { openSpool } from "../../journal/spool.ts";
import type { Runtime } from "../../runtime.ts";
import { openFleetJournal } from "../../wire/fleet.ts";
import type { Views } from "../views.ts";

// Whoever loads the fleet's journal comes this way: then a hook loads no more for there being one.
export { openFleetJournal } from "../../wire/fleet.ts";

/** The views of a fleet, with what this host has not joined yet. */
export async function openFleetViews(
  runtime: Runtime,
  config: Config,
  fleetConfig: FleetConfig,
): Promise<Views> {
  await using stack = new AsyncDisposableStack();
  const own = stack.use(openSpool(config.journal));
  const fleet = await openQuietly(() => openFleetJournal(runtime, config, fleetConfig));
  if (fleet instanceof Failure) {
    const owned = stack.move();
    return {
      ...own,
      progress: async (profile, network) =>
        (await own.progress(profile, network)) ?? { parked: false, reason: fleet.message, attempts: 0 },
      now: runtime.now,
      hosts: async () => [],
      trouble: fleet,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  }
  stack.use(fleet);
  const owned = stack.move();
  /** What this host has recorded and the fleet does not know yet is pending too. */
  const withUnjoined = async <Figures extends Backlog>(figures: Figures): Promise<Figures> => {
    const { pending } = await own.backlog();
    return { ...figures, pending: figures.pending + pending };
  };
  return {
    ...fleet,
    backlog: async () => withUnjoined(await fleet.backlog()),
    async summary(now) {
      const { oldestPendingAt: oldest } = await own.summary(0);
      const summary: Summary = await withUnjoined(await fleet.summary(now));
      const oldestPendingAt = earliest(summary.oldestPendingAt, oldest && oldest + fleet.aheadMs());
      return { ...summary, oldestPendingAt };
    },
    progress: async (profile, network) =>
      (await own.progress(profile, network)) ?? (await fleet.progress(profile, network)),
    now: () => runtime.now() + fleet.aheadMs(),
    trouble: null,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function earliest(...moments: readonly (number | null)[]): number | null {
  const known = moments.filter((at) => at !== null);
  return known.length === 0 ? null : Math.min(...known);
}

async function openQuietly(open: () => Promise<FleetJournal>): Promise<FleetJournal | Failure> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof Failure && error.kind === "unavailable") return error;
    throw error;
  }
}
