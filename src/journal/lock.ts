import { Database } from "bun:sqlite";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { guarded, isBusy } from "./file.ts";

/** Held by the one courier of a journal; the kernel frees it when its holder dies, however it dies. */
export interface CourierLock extends Disposable {}

/**
 * Takes the courier's lock; null when another courier has it. It is SQLite's lock on a file of its own, so that it
 * works across network namespaces and under MemoryDenyWriteExecute, where flock(2) is out of reach. Throws a journal
 * failure where there can be no such file.
 */
export function takeCourierLock(journalPath: string): CourierLock | null {
  const path = `${journalPath}.courier`;
  return guarded(path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite's own would be for all to read, and whoever reads it may lock it.
    closeSync(openSync(path, "a", 0o600));
    const db = new Database(path, { create: true, readwrite: true, strict: true });
    try {
      db.run("PRAGMA busy_timeout = 0");
      db.run("BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => db.close() };
    } catch (error) {
      db.close();
      if (isBusy(error)) return null;
      throw error;
    }
  });
}
