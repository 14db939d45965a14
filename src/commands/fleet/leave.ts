import type { Config, FleetConfig } from "../../config.ts";
import { obstacle, runOnce } from "../../core/courier.ts";
import { compareWithFleet } from "../../core/member.ts";
import { openSpool } from "../../journal/spool.ts";
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
  const { fleet, join } = courier;
  const { host } = config;
  using own = openSpool(config.journal);
  await own.forgetAll();
  await compareWithFleet({ host, own, fleet, now: runtime.now });
  await join();
  const others = (await fleet.hosts()).filter((one) => one.host !== host);
  if (others.length === 0) return await purge(courier);
  await runOnce(courier, runtime.signal);
  const left = await obstacle(courier);
  if (left !== null) throw left;
  log("info", "", `What this host held is let go of; ${others.length} others of the fleet keep their own`);
}
