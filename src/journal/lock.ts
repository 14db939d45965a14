import { closeSync, openSync } from "node:fs";
import { guarded, isBusy, openFile } from "./file.ts";

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
    const db = openFile(path);
    try {
      // SQLite opens a file that it cannot write for reading only, and then a lock on it keeps nobody away.
      closeSync(openSync(path, "r+"));
      db.run("BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => db.close() };
    } catch (error) {
      db.close();
      if (isBusy(error)) return null;
      throw error;
    }
  });
}
