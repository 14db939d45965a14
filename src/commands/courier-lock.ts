import { existsSync, rmSync, writeFileSync } from "node:fs";
import { statOf } from "../config.ts";
import type { Config } from "../config.ts";
import { Failure } from "../errors.ts";
import { guarded } from "../journal/file.ts";
import { takeCourierLock } from "../journal/lock.ts";
import type { CourierLock } from "../journal/lock.ts";
import { clearSuspicion, isCorrupt, isSuspect, setAside } from "../journal/rescue.ts";
import { openSqlite } from "../journal/sqlite.ts";
import type { SqliteJournal } from "../journal/sqlite.ts";
import type { Log } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { headStartMs, wakeCourier } from "./wake.ts";

/** A hook that looks whether a courier is at work holds the lock for an instant. */
const tries = 5;
const tryEveryMs = 20;

/** How long a person's command waits for a courier that is at work. */
const patientTries = 1_500;

/** One that waits says so at every try; what it said this long ago counts no more, should it have been killed. */
const wantedMs = 1_000;

/** The courier's lock; null when another courier is at work. */
export async function takeLock(runtime: Runtime, config: Config): Promise<CourierLock | null> {
  for (let attempt = 1; attempt <= tries && !runtime.signal.aborted; attempt += 1) {
    const lock = takeCourierLock(config.journal);
    if (lock !== null) return lock;
    await runtime.sleep(tryEveryMs, runtime.signal);
  }
  return null;
}

/**
 * The courier's lock for a person's command: a courier that only waits makes way. When it is let go, a courier is
 * woken for what is left, and for what came from hooks that relied on the lock's holder.
 */
export async function takeLockPatiently(runtime: Runtime, config: Config): Promise<AsyncDisposable> {
  const wanted = wantedFile(config);
  try {
    for (let attempt = 1; attempt <= patientTries && !runtime.signal.aborted; attempt += 1) {
      const lock = takeCourierLock(config.journal);
      if (lock !== null) return { [Symbol.asyncDispose]: () => handOver(runtime, config, lock) };
      guarded(config.journal, () => writeFileSync(wanted, "", { mode: 0o600 }));
      await runtime.sleep(tryEveryMs, runtime.signal);
    }
  } finally {
    if (existsSync(wanted)) rmSync(wanted, { force: true });
  }
  throw new Failure("unavailable", "Cannot deliver now: another courier is still at work", {
    hint: "see: fail2ban-cloudflare status",
  });
}

/** Whether a person's command waits for the courier's lock. */
export function isWanted(runtime: Runtime, config: Config): boolean {
  const found = statOf(wantedFile(config));
  return found !== null && Math.abs(runtime.now() - found.mtimeMs) < wantedMs;
}

function wantedFile({ journal }: Config): string {
  return `${journal}.wanted`;
}

async function handOver(runtime: Runtime, config: Config, lock: CourierLock): Promise<void> {
  lock[Symbol.dispose]();
  // A hook that has started a courier which found the lock taken records within this time, and wakes nobody.
  await runtime.sleep(headStartMs, runtime.signal);
  if (runtime.signal.aborted || !existsSync(config.journal)) return;
  try {
    using journal = openSqlite(config.journal);
    const { pending } = await journal.backlog();
    if (pending > 0) wakeCourier(runtime, config);
  } catch (error) {
    // The command has said what it thinks of the journal, and the timer comes anyway.
    if (!(error instanceof Failure)) throw error;
  }
}

/** The journal, a new one where the old is broken: the courier fills it from fail2ban's bans and the edge. */
export function openJournal<Opened extends SqliteJournal>(
  runtime: Runtime,
  { journal: path }: Config,
  log: Log,
  open: (path: string) => Opened,
): Opened {
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
