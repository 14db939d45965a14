import { defineCommand } from "citty";
import { loadConfig, stampOf } from "../config.ts";
import { anythingDue, obstacle, runCourier, runOnce, tryAnew } from "../core/courier.ts";
import { credentialPaths } from "../credential.ts";
import { isCorrupt, suspect } from "../journal/rescue.ts";
import { openLog } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { wireCourier } from "../wire.ts";
import { isWishedFor, openJournal, takeLock, takeTurn } from "./courier-lock.ts";
import type { Invocation } from "./invocation.ts";
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
  using journal = openJournal(runtime, config, log);
  const stamp = stampOf(credentialPaths(runtime, config));
  const isWished = (): boolean => isWishedFor(runtime, config);
  const outdated = (): boolean => stampOf(credentialPaths(runtime, config)) !== stamp;
  await using courier = await wireCourier(
    { runtime, config, journal, log },
    { beforeLook: () => removeWakeFile(config), outdated: () => outdated() || isWished() },
  );
  try {
    await runCourier(courier, runtime.signal);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    suspect(config.journal);
    return true;
  } finally {
    lock[Symbol.dispose]();
  }
  return !runtime.signal.aborted && !isWished() && (outdated() || (await anythingDue(courier)));
}

async function deliverOnce(runtime: Runtime, configPath: string): Promise<number> {
  const config = loadConfig(runtime, configPath);
  using _turn = await takeTurn(runtime, config);
  const log = openLog(runtime, config.log);
  using journal = openJournal(runtime, config, log);
  await using courier = await wireCourier(
    { runtime, config, journal, log },
    { beforeLook: () => removeWakeFile(config), outdated: () => false },
  );
  await tryAnew(courier);
  await runOnce(courier, runtime.signal);
  const left = await obstacle(courier, runtime.now());
  if (left !== null) throw left;
  return 0;
}
