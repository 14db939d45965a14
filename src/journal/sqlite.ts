import { SQLiteError } from "bun:sqlite";
import type { Database } from "bun:sqlite";
import type { Journal } from "../core/journal.ts";
import { callLedger } from "./calls.ts";
import { deliveryLedger } from "./deliveries.ts";
import { factLedger } from "./facts.ts";
import { guarded, openDatabase, seal, speaking } from "./file.ts";
import { holdLedger } from "./holds.ts";
import { moveLedger } from "./moves.ts";
import { overviewLedger } from "./overview.ts";
import { resultLedger } from "./results.ts";
import { roomLedger } from "./room.ts";
import { viewLedger } from "./views.ts";

export interface SqliteJournal extends Journal, Disposable {
  /** A number that changes whenever another process has changed the journal. */
  changes(): number;
  /** Reads the whole file; throws a journal failure for a broken one. */
  verify(): void;
}

/**
 * Opens the journal, and makes it where there is none: directory 0700, file 0600. What a method has returned from is
 * on disk. Throws a journal failure for anything wrong with the file or its file system, here and in every method.
 */
export function openSqlite(path: string): SqliteJournal {
  return guarded(path, () =>
    journalIn(
      path,
      openDatabase(path, () => seal(path)),
    ),
  );
}

/** The journal in its open file, which it closes. */
export function journalIn(path: string, db: Database): SqliteJournal {
  const ledgers = {
    ...callLedger(db),
    ...deliveryLedger(db),
    ...factLedger(db),
    ...holdLedger(db),
    ...overviewLedger(db),
    ...resultLedger(db),
    ...roomLedger(db),
    ...moveLedger(db),
    ...viewLedger(db),
  };
  const dataVersion = db.query<{ data_version: number }, []>("PRAGMA data_version");
  return {
    ...speaking(path, ledgers),
    verify: () => guarded(path, () => verify(db)),
    changes: () => guarded(path, () => dataVersion.get()?.data_version ?? 0),
    [Symbol.dispose]: () => db.close(),
  };
}

function verify(db: Database): void {
  const found =
    db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check ?? "no answer";
  if (found !== "ok") throw Object.assign(new SQLiteError(found), { code: "SQLITE_CORRUPT" });
}
