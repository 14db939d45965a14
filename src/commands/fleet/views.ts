import type { Config } from "../../config.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import type { Summary } from "../../core/ports.ts";
import { Failure } from "../../errors.ts";
import type { FleetConfig } from "../../fleet-config.ts";
import { openSpool } from "../../journal/spool.ts";
import type { Spool } from "../../journal/spool.ts";
import type { Runtime } from "../../runtime.ts";
import type { Views } from "../views.ts";
import { openFleetJournal } from "./open.ts";

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
  return {
    ...fleet,
    summary: async (now) => withUnjoined(await fleet.summary(now), own, fleet.aheadMs()),
    progress: async (profile, network) =>
      (await own.progress(profile, network)) ?? (await fleet.progress(profile, network)),
    now: () => runtime.now() + fleet.aheadMs(),
    trouble: null,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What this host has recorded and the fleet does not know yet is pending too. */
async function withUnjoined(summary: Summary, own: Spool, aheadMs: number): Promise<Summary> {
  const { pending, parked, oldestPendingAt } = await own.summary(0);
  const oldest = [summary.oldestPendingAt, oldestPendingAt === null ? null : oldestPendingAt + aheadMs];
  const known = oldest.filter((at) => at !== null);
  return {
    ...summary,
    pending: summary.pending + pending + parked,
    oldestPendingAt: known.length === 0 ? null : Math.min(...known),
  };
}

async function openQuietly(open: () => Promise<FleetJournal>): Promise<FleetJournal | Failure> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof Failure && error.kind === "unavailable") return error;
    throw error;
  }
}
