import type { Config, FleetConfig } from "../../config.ts";
import { runCourier } from "../../core/courier.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import { restoreHolds } from "../../core/member.ts";
import type { Member } from "../../core/member.ts";
import { runMember } from "../../core/membership.ts";
import { emptyState } from "../../fail2ban/bips.ts";
import { isCorrupt, suspect } from "../../journal/rescue.ts";
import { openSpool } from "../../journal/spool.ts";
import type { Log } from "../../log.ts";
import type { Runtime } from "../../runtime.ts";
import { openFleetJournal } from "../../wire/fleet.ts";
import { wireHost } from "../../wire/host.ts";
import { openJournal } from "../courier-lock.ts";
import { removeWakeFile } from "../wake.ts";
import { fleetCourier } from "./courier.ts";

export interface StayOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly fleetConfig: FleetConfig;
  readonly log: Log;
  /** Whether the configuration, a credential or the program is another by now. */
  readonly changed: () => boolean;
}

/**
 * Keeps this host in its fleet until the program is to end, or the configuration or the program has changed: true when
 * it is to begin anew. Only under the lock of this host's courier.
 */
export async function stayInFleet(options: StayOptions): Promise<boolean> {
  const { runtime, config, fleetConfig, log, changed } = options;
  using own = openJournal(runtime, config, log, openSpool);
  const host = wireHost({ runtime, config, journal: own, log });

  /** An own journal that has never met its fleet may be a new one in the place of one that was lost. */
  async function prepare(member: Member): Promise<void> {
    const met = `met:${fleetConfig.name}`;
    if ((await own.fact(met)) !== null) return;
    await restoreHolds(member, (host.fail2banState() ?? emptyState).jails);
    await host.recover();
    await own.setFact(met, String(runtime.now()));
  }

  async function deliver(fleet: FleetJournal, signal: AbortSignal): Promise<void> {
    const courierOptions = { runtime: { ...runtime, signal }, config, fleet, log };
    const hooks = { beforeLook: () => {}, outdated: fleet.isAsked };
    const courier = await fleetCourier(courierOptions, {}, hooks);
    await runCourier(courier, signal);
    // Not where it has failed: then the session is over, and what was booked counts as used.
    await courier[Symbol.asyncDispose]();
  }

  try {
    await host.adapt();
    await runMember(
      {
        host: config.host,
        own,
        upkeep: host,
        profiles: [...config.profiles.keys()],
        open: () => openFleetJournal(runtime, config, fleetConfig),
        prepare,
        deliver,
        beforeLook: () => removeWakeFile(config),
        outdated: changed,
        now: runtime.now,
        random: runtime.random,
        sleep: (ms) => runtime.sleep(ms, runtime.signal),
        log,
      },
      runtime.signal,
    );
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    suspect(config.journal);
    return true;
  }
  return !runtime.signal.aborted;
}
