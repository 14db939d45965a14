import { defineCommand } from "citty";
import { loadConfig, stampOf } from "../config.ts";
import { anythingDue, obstacle, runCourier, runOnce } from "../core/courier.ts";
import { credentialPaths } from "../credential.ts";
import { isCorrupt, suspect } from "../journal/rescue.ts";
import { openSqlite } from "../journal/sqlite.ts";
import { openLog } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { wireCourier, wireHost } from "../wire.ts";
import { openJournal, takeLock } from "./courier-lock.ts";
import type { Invocation } from "./invocation.ts";
import { patientCourier } from "./patient-courier.ts";
import { removeWakeFile } from "./wake.ts";

export const deliver = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: { name: "deliver", description: "Deliver what is pending to Cloudflare" },
    args: {
      once: {
        type: "boolean",
        description: "One pass; the exit status says whether all was delivered",
        default: false,
      },
    },
    async run({ args }) {
      if (args.once) return deliverOnce(runtime, configPath);
      while (await deliverUntilIdle(runtime, configPath)) continue;
      return 0;
    },
  });

/** True when there is more to do: the configuration has changed, or something came while the lock was let go. */
async function deliverUntilIdle(runtime: Runtime, configPath: string): Promise<boolean> {
  const config = loadConfig(runtime, configPath);
  const lock = await takeLock(runtime, config);
  if (lock === null) return false;
  const log = openLog(runtime, config.log);
  if (config.fleet !== null) {
    using _lock = lock;
    const { stayInFleet } = await import("./fleet/stay.ts");
    return await stayInFleet({ runtime, config, fleetConfig: config.fleet, log });
  }
  using journal = openJournal(runtime, config, log, openSqlite);
  const stamp = stampOf(credentialPaths(runtime, config));
  const outdated = (): boolean => stampOf(credentialPaths(runtime, config)) !== stamp;
  const options = { runtime, config, journal, log };
  const hooks = { beforeLook: () => removeWakeFile(config), outdated };
  await using courier = await wireCourier(options, wireHost(options), hooks);
  try {
    await runCourier(courier, runtime.signal);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    suspect(config.journal);
    return true;
  } finally {
    lock[Symbol.dispose]();
  }
  return !runtime.signal.aborted && (outdated() || (await anythingDue(courier)));
}

async function deliverOnce(runtime: Runtime, configPath: string): Promise<number> {
  const config = loadConfig(runtime, configPath);
  await using courier = await patientCourier(runtime, config);
  const { journal } = courier;
  for (const { profile, gate } of courier.deliveries) {
    await journal.clearPauses(profile.name);
    await journal.hurry(profile.name);
    await gate.hurry();
  }
  await runOnce(courier, runtime.signal);
  const left = await obstacle(courier, courier.now());
  if (left !== null) throw left;
  return 0;
}
