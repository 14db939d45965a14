import type { Config } from "../config.ts";
import { Failure } from "../errors.ts";
import { takeCourierLock } from "../journal/lock.ts";
import type { CourierLock } from "../journal/lock.ts";
import { clearSuspicion, isCorrupt, isSuspect, setAside } from "../journal/rescue.ts";
import type { SqliteJournal } from "../journal/sqlite.ts";
import type { Log } from "../log.ts";
import type { Runtime } from "../runtime.ts";

/** A hook that looks whether a courier is at work holds the lock for an instant. */
const tries = 5;
const tryEveryMs = 20;

/** How long a person's command waits for a courier that is at work. */
const patientTries = 1_500;

/** The courier's lock; null when another courier is at work. */
export async function takeLock(runtime: Runtime, config: Config, most = tries): Promise<CourierLock | null> {
  for (let attempt = 1; attempt <= most && !runtime.signal.aborted; attempt += 1) {
    const lock = takeCourierLock(config.journal);
    if (lock !== null) return lock;
    await runtime.sleep(tryEveryMs, runtime.signal);
  }
  return null;
}

/** The courier's lock for a person's command, which waits for it. */
export async function takeLockPatiently(runtime: Runtime, config: Config): Promise<CourierLock> {
  const lock = await takeLock(runtime, config, patientTries);
  if (lock !== null) return lock;
  throw new Failure("unavailable", "Cannot deliver now: another courier is still at work", {
    hint: "see: fail2ban-cloudflare status",
  });
}

/** The journal, a new one where the old is broken: the courier fills it from fail2ban's bans and the edge. */
export function openJournal<J extends SqliteJournal>(
  runtime: Runtime,
  { journal: path }: Config,
  log: Log,
  open: (path: string) => J,
): J {
  try {
    const journal = open(path);
    if (isSuspect(path)) journal.verify();
    return journal;
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    const aside = setAside(path, runtime.now());
    log(
      "error",
      "",
      `The journal is broken: set aside as "${aside}", rebuilt from fail2ban's bans and the edge`,
    );
    return open(path);
  } finally {
    clearSuspicion(path);
  }
}
