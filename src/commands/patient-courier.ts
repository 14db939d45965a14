import type { Config } from "../config.ts";
import type { Courier } from "../core/courier.ts";
import type { Journal } from "../core/journal.ts";
import { openSqlite } from "../journal/sqlite.ts";
import type { Log } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { wireCourier } from "../wire.ts";
import { wireHost } from "../wire/host.ts";
import { openJournal, takeLockPatiently } from "./courier-lock.ts";
import { removeWakeFile } from "./wake.ts";

/** A courier for a person's command. */
export interface PatientCourier extends Courier, AsyncDisposable {
  /** What this host holds: in a fleet, a journal of its own. */
  readonly own: Journal;
  /** Has the courier know what this host holds. */
  join(): Promise<void>;
}

/** Waits until no other courier is at work: one that only waits makes way. */
export async function patientCourier(runtime: Runtime, config: Config, log: Log): Promise<PatientCourier> {
  if (config.fleet !== null) {
    const { patientFleetCourier } = await import("./fleet/courier.ts");
    return patientFleetCourier(runtime, config, config.fleet, log);
  }
  await using stack = new AsyncDisposableStack();
  stack.use(await takeLockPatiently(runtime, config));
  const journal = stack.use(openJournal(runtime, config, log, openSqlite));
  const options = { runtime, config, journal, log };
  const hooks = { beforeLook: () => removeWakeFile(config), outdated: () => false };
  const courier = stack.use(await wireCourier(options, wireHost(options), hooks));
  const owned = stack.move();
  return {
    ...courier,
    own: journal,
    join: async () => {},
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
