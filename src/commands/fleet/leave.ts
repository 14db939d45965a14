import type { Config, FleetConfig } from "../../config.ts";
import { obstacle, runOnce } from "../../core/courier.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import { compareWithFleet } from "../../core/member.ts";
import { Failure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Runtime } from "../../runtime.ts";
import type { PatientCourier } from "../patient-courier.ts";
import { patientFleetCourier } from "./courier.ts";

/**
 * Lets go of all that this host holds, and delivers that. What other hosts hold stays; where there is none, `purge` is
 * given the courier.
 */
export async function leaveFleet(
  runtime: Runtime,
  config: Config,
  { fleetConfig, log }: { readonly fleetConfig: FleetConfig; readonly log: Log },
  purge: (courier: PatientCourier) => Promise<void>,
): Promise<void> {
  await using courier = await patientFleetCourier(runtime, config, fleetConfig, log);
  const { member, join } = courier;
  const { host, own, fleet } = member;
  await own.forgetAll();
  await compareWithFleet(member);
  await join();
  const others = (await fleet.hosts()).filter((one) => one.host !== host);
  if (others.length === 0) return await purge(courier);
  await runOnce(courier, runtime.signal);
  const left = await obstacle(courier);
  if (left !== null) throw left;
  await forget(fleet, host);
  log("info", "", `What this host held is let go of; ${others.length} others of the fleet keep their own`);
}

/** Has the fleet forget a host, unless its process is still connected: then `uninstall` ends that, and comes again. */
async function forget(fleet: FleetJournal, host: string): Promise<void> {
  try {
    await fleet.retire(host);
  } catch (error) {
    // It has also ended the session: nothing more is to be said to it.
    if (!(error instanceof Failure) || error.kind !== "usage") throw error;
  }
}
