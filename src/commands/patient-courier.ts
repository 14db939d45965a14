import type { Config } from "../config.ts";
import type { Courier } from "../core/courier.ts";
import { openSqlite } from "../journal/sqlite.ts";
import { openLog } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { wireCourier, wireHost } from "../wire.ts";
import { openJournal, takeLockPatiently } from "./courier-lock.ts";
import { removeWakeFile } from "./wake.ts";

/** A courier for a person's command, when no other is at work. */
export async function patientCourier(runtime: Runtime, config: Config): Promise<Courier & AsyncDisposable> {
  if (config.fleet !== null) {
    const { patientFleetCourier } = await import("./fleet/courier.ts");
    return patientFleetCourier(runtime, config, config.fleet);
  }
  await using stack = new AsyncDisposableStack();
  stack.use(await takeLockPatiently(runtime, config));
  const log = openLog(runtime, config.log);
  const journal = stack.use(openJournal(runtime, config, log, openSqlite));
  const options = { runtime, config, journal, log };
  const hooks = { beforeLook: () => removeWakeFile(config), outdated: () => false };
  const courier = stack.use(await wireCourier(options, wireHost(options), hooks));
  const owned = stack.move();
  return { ...courier, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
