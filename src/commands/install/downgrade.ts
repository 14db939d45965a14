import { join } from "node:path";
import { loadConfig } from "../../config.ts";
import { Failure } from "../../errors.ts";
import { refuseNewerJournal } from "../../journal/newer.ts";
import type { Runtime } from "../../runtime.ts";
import type { Places } from "./places.ts";

/** Fails where a newer program has written the journal: this one could not use it, and no ban would be recorded. */
export function refuseDowngrade(runtime: Runtime, places: Places): void {
  refuseNewerJournal(journalOf(runtime, places));
}

/** As configured; where the configuration cannot be read, or is another root's, at its usual place. */
function journalOf(runtime: Runtime, { live, config, journalDirectory }: Places): string {
  const usual = join(journalDirectory, "journal.db");
  if (!live) return usual;
  try {
    return loadConfig(runtime, config).journal;
  } catch (error) {
    if (error instanceof Failure) return usual;
    throw error;
  }
}
