import { closeSync, existsSync, openSync, realpathSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "../config.ts";
import type { Failure } from "../errors.ts";
import { takeCourierLock } from "../journal/lock.ts";
import { isCorrupt, suspect } from "../journal/rescue.ts";
import type { Runtime } from "../runtime.ts";

/** The journal's directory that fail2ban-cloudflare.path watches. */
const watchedDirectory = "/var/lib/fail2ban/cloudflare";

/** The courier removes the wake file before it looks; one that stays this long has nobody to watch it. */
const unansweredMs = 3_000;

/**
 * What is recorded so soon after a courier was started does not escape it: it stays for seconds, and tries for longer
 * than this to become the courier where there is another, which looks again after it lets go of its lock.
 */
export const headStartMs = 50;

/**
 * Has a courier look at the journal: through systemd where our units stand, else by starting one, unless one is at
 * work: that one looks again after it lets go of its lock.
 */
export function wakeCourier(runtime: Runtime, config: Config): void {
  if (askSystemd(runtime, config)) return;
  const lock = takeCourierLock(config.journal);
  if (lock === null) return;
  lock[Symbol.dispose]();
  startCourier(runtime, config);
}

/**
 * Has a courier come up while the hook still records, where nobody has the journal open: one after the other they take
 * a good deal longer until the block is at the edge. Returns what the hook calls when it has recorded.
 */
export function wakeAhead(runtime: Runtime, config: Config): () => void {
  const wake = (): void => wakeCourier(runtime, config);
  const startedAt = runtime.now();
  try {
    if (isOpen(config.journal)) return wake;
    // The file may be gone, and whoever removed it may have looked, before this hook has recorded.
    if (askSystemd(runtime, config)) return wake;
    startCourier(runtime, config);
  } catch {
    return wake;
  }
  return () => {
    if (Math.abs(runtime.now() - startedAt) > headStartMs) wake();
  };
}

/** Whether somebody has the journal open: SQLite has its log beside the file itself, wherever a link to that stands. */
function isOpen(journal: string): boolean {
  return existsSync(`${journal}-wal`) || (existsSync(journal) && existsSync(`${realpathSync(journal)}-wal`));
}

/** Has a courier woken after a failure of the journal. Where its own directory is broken, a courier cannot be asked for either. */
export function wakeQuietly(runtime: Runtime, config: Config, failure: Failure): void {
  try {
    if (isCorrupt(failure)) suspect(config.journal);
    wakeCourier(runtime, config);
  } catch {}
}

/** What the courier does before it looks, so that a hook after it wakes another. */
export function removeWakeFile(config: Config): void {
  rmSync(wakeFile(config), { force: true });
}

function startCourier(runtime: Runtime, config: Config): void {
  runtime.detach([...runtime.self, "--config", config.path, "deliver"]);
}

/** Leaves the wake file for systemd; false where nobody watches for it. */
function askSystemd(runtime: Runtime, config: Config): boolean {
  if (!watchedBySystemd(runtime, config)) return false;
  const path = wakeFile(config);
  const waiting = statSync(path, { throwIfNoEntry: false });
  if (waiting !== undefined) return Math.abs(runtime.now() - waiting.mtimeMs) < unansweredMs;
  closeSync(openSync(path, "a", 0o600));
  return true;
}

function watchedBySystemd({ root }: Runtime, { journal }: Config): boolean {
  return (
    dirname(journal) === join(root, watchedDirectory) &&
    existsSync(join(root, "/run/systemd/system")) &&
    existsSync(join(root, "/etc/systemd/system/fail2ban-cloudflare.path"))
  );
}

function wakeFile({ journal }: Config): string {
  return join(dirname(journal), "wake");
}
