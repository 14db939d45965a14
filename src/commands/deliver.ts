import { defineCommand } from "citty";
import { loadConfig, stampOf, statOf } from "../config.ts";
import { anythingDue, obstacle, runCourier, runOnce, tryAnew } from "../core/courier.ts";
import { credentialPaths } from "../credential.ts";
import { isCorrupt, suspect } from "../journal/rescue.ts";
import { openSqlite } from "../journal/sqlite.ts";
import { openLog } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { wireCourier } from "../wire.ts";
import { wireHost } from "../wire/host.ts";
import { isWanted, openJournal, takeLock } from "./courier-lock.ts";
import type { Invocation } from "./invocation.ts";
import { patientCourier } from "./patient-courier.ts";
import { removeWakeFile, wakeCourier } from "./wake.ts";

export const deliver = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "deliver",
      description: "Deliver what is pending to Cloudflare",
      group: "act",
      examples: ["deliver --once && echo 'all is at Cloudflare'"],
    },
    args: {
      once: {
        type: "boolean",
        description: "One pass; the exit status says whether all was delivered",
        default: false,
      },
    },
    async run({ args }) {
      if (args.once) return deliverOnce(runtime, configPath);
      const isReplaced = watchProgram(runtime);
      while (await deliverUntilIdle(runtime, configPath, isReplaced)) {
        if (!isReplaced()) continue;
        wakeCourier(runtime, loadConfig(runtime, configPath));
        break;
      }
      return 0;
    },
  });

/** Whether another binary stands in the place of this one by now: what is left is for that one to deliver. */
function watchProgram({ execPath }: Runtime): () => boolean {
  const stamp = stampOf([execPath]);
  return () => statOf(execPath) !== null && stampOf([execPath]) !== stamp;
}

/** True when there is more to do: the configuration or the program has changed, or something came as the lock was let go. */
async function deliverUntilIdle(
  runtime: Runtime,
  configPath: string,
  isReplaced: () => boolean,
): Promise<boolean> {
  // Before it is read: what changes from then on is not in it.
  const configStamp = stampOf([configPath]);
  const config = loadConfig(runtime, configPath);
  const lock = await takeLock(runtime, config);
  if (lock === null) return false;
  const log = openLog(runtime, config.log);
  const paths = credentialPaths(runtime, config);
  const stamp = stampOf(paths);
  const changed = (): boolean =>
    isReplaced() || stampOf([configPath]) !== configStamp || stampOf(paths) !== stamp;
  if (config.fleet !== null) {
    using _lock = lock;
    const { stayInFleet } = await import("./fleet/stay.ts");
    return await stayInFleet({ runtime, config, fleetConfig: config.fleet, log, changed });
  }
  using journal = openJournal(runtime, config, log, openSqlite);
  const options = { runtime, config, journal, log };
  await using courier = await wireCourier(options, wireHost(options), {
    beforeLook: () => removeWakeFile(config),
    outdated: () => changed() || isWanted(runtime, config),
  });
  try {
    await runCourier(courier, runtime.signal);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    suspect(config.journal);
    return true;
  } finally {
    lock[Symbol.dispose]();
  }
  if (runtime.signal.aborted || isWanted(runtime, config)) return false;
  return changed() || (await anythingDue(courier));
}

async function deliverOnce(runtime: Runtime, configPath: string): Promise<number> {
  const config = loadConfig(runtime, configPath);
  await using courier = await patientCourier(runtime, config, openLog(runtime, config.log));
  await tryAnew(courier);
  await runOnce(courier, runtime.signal);
  const left = await obstacle(courier);
  if (left !== null) throw left;
  return 0;
}
