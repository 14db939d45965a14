import { closeSync, futimesSync, openSync, rmSync } from "node:fs";
import type { Config } from "../config.ts";
import { statOf } from "../config.ts";
import { Failure } from "../errors.ts";
import { takeCourierLock } from "../journal/lock.ts";
import type { CourierLock } from "../journal/lock.ts";
import { clearSuspicion, isCorrupt, isSuspect, setAside } from "../journal/rescue.ts";
import { openSqlite } from "../journal/sqlite.ts";
import type { SqliteJournal } from "../journal/sqlite.ts";
import type { Log } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { wakeCourier } from "./wake.ts";

/** A hook that looks whether a courier is at work holds the lock for an instant. */
const tries = 5;
const tryEveryMs = 20;

/** How long a person's command waits for what a courier has under way. */
const patientTries = 1_500;

/** A wish for the lock is renewed at every try; an older one is from somebody who is gone. */
const wishedMs = 1_000;

/** The courier's lock; null when another courier is at work. */
export async function takeLock(runtime: Runtime, config: Config, most = tries): Promise<CourierLock | null> {
  for (let attempt = 1; attempt <= most && !runtime.signal.aborted; attempt += 1) {
    const lock = takeCourierLock(config.journal);
    if (lock !== null) return lock;
    await runtime.sleep(tryEveryMs, runtime.signal);
  }
  return null;
}

/** The courier's lock for a person's command; a courier that ended for it is followed by another at the end. */
export async function takeTurn(runtime: Runtime, config: Config): Promise<Disposable> {
  const lock = await takeLock(runtime, config, 1);
  if (lock !== null) return lock;
  const patiently = await takeLockPatiently(runtime, config);
  return {
    [Symbol.dispose]() {
      patiently[Symbol.dispose]();
      wakeCourier(runtime, config);
    },
  };
}

/** The courier's lock, of which a courier that only waits for something to do lets go, and ends. */
export async function takeLockPatiently(runtime: Runtime, config: Config): Promise<CourierLock> {
  try {
    for (let attempt = 1; attempt <= patientTries && !runtime.signal.aborted; attempt += 1) {
      const lock = await takeLock(runtime, config, 1);
      if (lock !== null) return lock;
      wish(config, runtime.now());
    }
  } finally {
    rmSync(wishFile(config), { force: true });
  }
  throw new Failure("unavailable", "Cannot deliver now: another courier is still at work", {
    hint: "see: fail2ban-cloudflare status",
  });
}

/** Whether a person's command waits for the courier's lock. */
export function isWishedFor(runtime: Runtime, config: Config): boolean {
  const wished = statOf(wishFile(config));
  return wished !== null && Math.abs(runtime.now() - wished.mtimeMs) < wishedMs;
}

function wish(config: Config, now: number): void {
  const file = openSync(wishFile(config), "a", 0o600);
  futimesSync(file, now / 1_000, now / 1_000);
  closeSync(file);
}

function wishFile({ journal }: Config): string {
  return `${journal}.wished`;
}

/** The journal, a new one where the old is broken: the courier fills it from fail2ban's bans and the edge. */
export function openJournal(runtime: Runtime, config: Config, log: Log): SqliteJournal {
  try {
    const journal = openSqlite(config.journal);
    if (isSuspect(config.journal)) journal.verify();
    return journal;
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    const aside = setAside(config.journal, runtime.now());
    log(
      "error",
      "",
      `The journal is broken: set aside as "${aside}", rebuilt from fail2ban's bans and the edge`,
    );
    return openSqlite(config.journal);
  } finally {
    clearSuspicion(config.journal);
  }
}
