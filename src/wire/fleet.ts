import type { Config, FleetConfig } from "../config.ts";
import type { FleetJournal } from "../core/fleet.ts";
import { openFleet } from "../journal/postgres/fleet.ts";
import type { Server } from "../journal/postgres/session.ts";
import type { Runtime } from "../runtime.ts";
import { parseDatabaseUrl } from "./database.ts";
import { databasePassword } from "./database-password.ts";

/** Opens the journal of the fleet that the configuration names. */
export async function openFleetJournal(
  runtime: Runtime,
  config: Config,
  { name, url }: FleetConfig,
): Promise<FleetJournal> {
  return openFleet(databaseOf(runtime, config, url.reveal()), { name, now: runtime.now });
}

/** The database of a URL, with the password from wherever it is. */
export function databaseOf(runtime: Pick<Runtime, "env">, config: Pick<Config, "path">, url: string): Server {
  const server = parseDatabaseUrl(url, config);
  return { ...server, password: databasePassword(runtime, config, server) };
}
