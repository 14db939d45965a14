import type { Config } from "../config.ts";
import type { Host } from "../core/fleet.ts";
import type { CallLedger } from "../core/call-ledger.ts";
import type { OverviewLedger, ViewLedger } from "../core/views.ts";
import type { Failure } from "../errors.ts";
import { openSqlite } from "../journal/sqlite.ts";
import type { Runtime } from "../runtime.ts";

/** What people ask: of this host's journal, or of its fleet's. */
export interface Views extends ViewLedger, OverviewLedger, Pick<CallLedger, "slots">, AsyncDisposable {
  /** Milliseconds since 1970 by the clock of the journal's moments. */
  now(): number;
  /** The servers of the fleet; none: this one stands alone. */
  hosts(): Promise<readonly Host[]>;
  /** Why the fleet's journal cannot be used: then the views are those of this host alone. */
  readonly trouble: Failure | null;
}

export async function openViews(runtime: Runtime, config: Config): Promise<Views> {
  if (config.fleet !== null) {
    const { openFleetViews } = await import("./fleet/views.ts");
    return openFleetViews(runtime, config, config.fleet);
  }
  const journal = openSqlite(config.journal);
  return {
    ...journal,
    now: runtime.now,
    hosts: async () => [],
    trouble: null,
    [Symbol.asyncDispose]: async () => journal[Symbol.dispose](),
  };
}
