import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  actionPath,
  jailPath,
  localActionPath,
  localTokenActionPath,
  noCredentialPath,
  tokenActionPath,
  unitNames,
} from "../../fail2ban/files.ts";
import { takeCourierLock } from "../../journal/lock.ts";
import type { Runtime } from "../../runtime.ts";
import type { Places } from "./places.ts";
import { removeFile } from "./steps.ts";
import type { Step } from "./steps.ts";

/** A courier that was woken by the jail's end has nothing left to do after a purge, and ends. */
const courierEndsWithinMs = 15_000;
const lookEveryMs = 100;

/** What an uninstallation does to the files, and nothing done yet; configuration and journal are only shown. */
export function planRemoval(
  places: Places,
  options: { readonly force: boolean; readonly purge: boolean },
): readonly Step[] {
  const files = [
    join(places.fail2ban, jailPath),
    join(places.fail2ban, actionPath),
    join(places.fail2ban, localActionPath),
    join(places.fail2ban, tokenActionPath),
    join(places.fail2ban, localTokenActionPath),
    ...unitNames.map((name) => places.units[name]),
    places.cron,
    places.logrotate,
  ];
  const nested = removeFile(join(places.fail2ban, noCredentialPath), options);
  const removals = [...files.map((path) => removeFile(path, options)), withDirectory(nested)].filter(
    (step) => step !== null,
  );
  const binary: Step = {
    sign: "-",
    path: places.binary,
    apply: (transaction) => transaction.remove(places.binary),
  };
  const purged = [places.configDirectory, places.journalDirectory].filter((path) => existsSync(path));
  return [
    ...removals,
    ...(existsSync(places.binary) && !places.packaged ? [binary] : []),
    ...purged.map((path): Step => ({ sign: options.purge ? "-" : "=", path })),
  ];
}

/** The directory was made for the file. */
function withDirectory(step: Step | null): Step | null {
  if (step === null) return null;
  return {
    ...step,
    apply(transaction) {
      step.apply?.(transaction);
      transaction.removeEmpty(dirname(step.path));
    },
  };
}

/** These first: while fail2ban lets go of the action, it still calls the program. */
export function isFail2bans({ fail2ban }: Places): (step: Step) => boolean {
  return ({ path }) => path.startsWith(`${fail2ban}/`);
}

/** The configuration and the journal, once no courier is at work on it. */
export async function purgeFiles(
  runtime: Runtime,
  { journalDirectory, configDirectory }: Places,
): Promise<void> {
  rmSync(configDirectory, { recursive: true, force: true });
  if (!existsSync(journalDirectory)) return;
  const giveUpAt = runtime.now() + courierEndsWithinMs;
  let lock = takeCourierLock(join(journalDirectory, "journal.db"));
  while (lock === null && runtime.now() < giveUpAt) {
    await runtime.sleep(lookEveryMs, runtime.signal);
    lock = takeCourierLock(join(journalDirectory, "journal.db"));
  }
  rmSync(journalDirectory, { recursive: true, force: true });
  lock?.[Symbol.dispose]();
}
