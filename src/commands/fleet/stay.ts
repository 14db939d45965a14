import { stampOf } from "../../config.ts";
import type { Config } from "../../config.ts";
import { runCourier } from "../../core/courier.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import { restoreHolds } from "../../core/member.ts";
import type { Member } from "../../core/member.ts";
import { runMember } from "../../core/membership.ts";
import { credentialPaths } from "../../credential.ts";
import { emptyState } from "../../fail2ban/bips.ts";
import type { FleetConfig } from "../../fleet-config.ts";
import { isCorrupt, suspect } from "../../journal/rescue.ts";
import { openSpool } from "../../journal/spool.ts";
import type { Log } from "../../log.ts";
import type { Runtime } from "../../runtime.ts";
import { readFail2ban, wireHost } from "../../wire.ts";
import { openJournal } from "../courier-lock.ts";
import { removeWakeFile } from "../wake.ts";
import { fleetCourier } from "./courier.ts";
import { openFleetJournal } from "./open.ts";

export interface StayOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly fleetConfig: FleetConfig;
  readonly log: Log;
}

/**
 * Keeps this host in its fleet until the program is to end, or the configuration or the program has changed: true when
 * it is to begin anew. Only under the lock of this host's courier.
 */
export async function stayInFleet({ runtime, config, fleetConfig, log }: StayOptions): Promise<boolean> {
  using own = openJournal(runtime, config, log, openSpool);
  const host = wireHost({ runtime, config, journal: own, log });
  const settings = credentialPaths(runtime, config);
  const stamps = { settings: stampOf(settings), program: stampOf([runtime.execPath]) };
  const isChanged = (): boolean => stampOf(settings) !== stamps.settings;
  const isReplaced = (): boolean => stampOf([runtime.execPath]) !== stamps.program;

  /** An own journal that has never met its fleet may be a new one in the place of one that was lost. */
  async function prepare(member: Member): Promise<void> {
    const met = `met:${fleetConfig.name}`;
    if ((await own.fact(met)) !== null) return;
    await restoreHolds(member, (readFail2ban(runtime, config) ?? emptyState).jails);
    await host.recover();
    await own.setFact(met, String(runtime.now()));
  }

  async function deliver(fleet: FleetJournal, signal: AbortSignal): Promise<void> {
    const options = { runtime: { ...runtime, signal }, config, fleet, log };
    const courier = await fleetCourier(options, {}, { beforeLook: () => {}, outdated: () => false });
    await runCourier(courier, signal);
    // Not where it has failed: then the session is over, and what was booked counts as used.
    await courier[Symbol.asyncDispose]();
  }

  try {
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
        outdated: () => isChanged() || isReplaced(),
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
  return !runtime.signal.aborted && !isReplaced();
}
