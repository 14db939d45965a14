import { loadConfig } from "../config.ts";
import { purge } from "../core/purge.ts";
import { openLog } from "../log.ts";
import { wireCourier } from "../wire.ts";
import { removeProvision } from "../wire/provision.ts";
import { openJournal, takeLockPatiently } from "./courier-lock.ts";
import type { Invocation } from "./invocation.ts";
import { removeWakeFile } from "./wake.ts";

/** Removes all of ours at Cloudflare, and has the journal hold nothing; throws where something may be left. */
export async function purgeEdge({ runtime, configPath }: Invocation): Promise<void> {
  const config = loadConfig(runtime, configPath);
  await using _lock = await takeLockPatiently(runtime, config);
  const log = openLog(runtime, config.log);
  using journal = openJournal(runtime, config, log);
  await using courier = await wireCourier(
    { runtime, config, journal, log },
    { beforeLook: () => removeWakeFile(config), outdated: () => false },
  );
  await purge(courier, runtime.signal);
  for (const profile of config.profiles.values())
    await removeProvision({ runtime, config, profile, journal, log });
}
