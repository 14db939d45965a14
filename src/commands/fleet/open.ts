import type { Config } from "../../config.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import type { FleetConfig } from "../../fleet-config.ts";
import { readFleetPassword } from "../../fleet-password.ts";
import { openFleet } from "../../journal/postgres/fleet.ts";
import type { Runtime } from "../../runtime.ts";

/** Opens the fleet's journal of the configuration. */
export async function openFleetJournal(
  runtime: Runtime,
  config: Config,
  fleet: FleetConfig,
): Promise<FleetJournal> {
  const password = readFleetPassword(runtime, config, fleet);
  return openFleet({ ...fleet.database, password }, { name: fleet.name, now: runtime.now });
}
