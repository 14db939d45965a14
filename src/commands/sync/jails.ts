import { profileOfJail } from "../../config.ts";
import type { Config } from "../../config.ts";
import { isMode } from "../../core/hold.ts";
import type { KnownJail } from "../../core/journal.ts";
import { Failure } from "../../errors.ts";
import { findFail2ban } from "../../fail2ban/client.ts";
import { jailsOfOurs } from "../../fail2ban/ours.ts";
import type { Log } from "../../log.ts";
import type { Runtime } from "../../runtime.ts";

/** The jails that are ours by fail2ban's configuration; null where fail2ban cannot be asked. */
export async function configuredJails(
  runtime: Runtime,
  config: Config,
  log: Log,
): Promise<readonly KnownJail[] | null> {
  const dump = await dumpOf(runtime, config);
  if (dump === null) return null;
  return jailsOfOurs(dump).flatMap(({ jail, profile: name, mode }) => {
    try {
      const profile = profileOfJail(config, jail, name);
      return [{ jail, profile: profile.name, mode: isMode(mode) ? mode : profile.mode }];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      log("warn", jail, error.summary);
      return [];
    }
  });
}

async function dumpOf(runtime: Runtime, { fail2ban }: Config) {
  try {
    return await (await findFail2ban(runtime, fail2ban)).dump();
  } catch (error) {
    if (error instanceof Failure && error.kind === "unavailable") return null;
    throw error;
  }
}
