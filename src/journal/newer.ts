import { Database, SQLiteError } from "bun:sqlite";
import { existsSync } from "node:fs";
import { refuseNewer } from "./schema.ts";

/**
 * Throws a journal failure when the file is from a newer program. One that cannot be read says nothing of that: it
 * passes, and whoever uses it says what is wrong.
 */
export function refuseNewerJournal(path: string): void {
  if (!existsSync(path)) return;
  try {
    using db = new Database(path, { readonly: true, strict: true });
    refuseNewer(db, path);
  } catch (error) {
    if (!(error instanceof SQLiteError)) throw error;
  }
}
