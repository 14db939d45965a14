import { loadConfig } from "../config.ts";
import { purge } from "../core/purge.ts";
import { openLog } from "../log.ts";
import { removeProvision } from "../wire/provision.ts";
import type { Invocation } from "./invocation.ts";
import { patientCourier } from "./patient-courier.ts";
import type { PatientCourier } from "./patient-courier.ts";

/**
 * Removes all of ours at Cloudflare, and has the journal hold nothing; in a fleet, what only this host holds. Throws
 * where something may be left.
 */
export async function purgeEdge({ runtime, configPath }: Invocation): Promise<void> {
  const config = loadConfig(runtime, configPath);
  const log = openLog(runtime, config.log);
  const purgeAll = async (courier: PatientCourier): Promise<void> => {
    await purge(courier, runtime.signal);
    for (const profile of config.profiles.values())
      await removeProvision({ runtime, config, profile, journal: courier.journal, log });
  };
  if (config.fleet !== null) {
    const { leaveFleet } = await import("./fleet/leave.ts");
    return leaveFleet(runtime, config, { fleetConfig: config.fleet, log }, purgeAll);
  }
  await using courier = await patientCourier(runtime, config, log);
  await purgeAll(courier);
}
