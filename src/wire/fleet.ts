import type { Config, FleetConfig } from "../config.ts";
import type { FleetJournal } from "../core/fleet.ts";
import { Failure } from "../errors.ts";
import { openFleet } from "../journal/postgres/fleet.ts";
import type { Server } from "../journal/postgres/session.ts";
import type { Runtime } from "../runtime.ts";
import { parseDatabaseUrl } from "./database.ts";
import { databasePassword } from "./database-password.ts";

/** The database ends a session that says nothing for longer, and a call to Cloudflare may take longer. */
const speakEveryMs = 3_000;

/** Opens the journal of the fleet that the configuration names. */
export async function openFleetJournal(
  runtime: Runtime,
  config: Config,
  { name, url }: FleetConfig,
): Promise<FleetJournal> {
  const fleet = await openFleet(databaseOf(runtime, config, url.reveal()), { name, now: runtime.now });
  void keepSpeaking(runtime, fleet);
  return fleet;
}

/** The database of a URL, with the password from wherever it is. */
export function databaseOf(runtime: Pick<Runtime, "env">, config: Pick<Config, "path">, url: string): Server {
  const server = parseDatabaseUrl(url, config);
  return { ...server, password: databasePassword(runtime, config, server) };
}

async function keepSpeaking({ sleep }: Runtime, { changes, over }: FleetJournal): Promise<void> {
  try {
    for (;;) {
      await sleep(speakEveryMs, over);
      if (over.aborted) return;
      await changes();
    }
  } catch (error) {
    // The session is over, and whoever uses it is told.
    if (!(error instanceof Failure)) throw error;
  }
}
