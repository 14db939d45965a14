import type { Database } from "bun:sqlite";
import type { FactLedger, HoldLedger, JailLedger } from "../core/journal.ts";
import { factLedger } from "./facts.ts";
import { guarded, openDatabase, speaking } from "./file.ts";
import { holdLedger } from "./holds.ts";

/** What a hook does in the journal: it loads nothing of what only couriers and views do there. */
export interface HookJournal
  extends HoldLedger, Pick<JailLedger, "know" | "forget">, Pick<FactLedger, "fact">, Disposable {}

/** Opens the journal for a hook, as `openSqlite` does; `prepare` is run on it first. */
export function openForHook(path: string, prepare?: (db: Database) => void): HookJournal {
  return guarded(path, () => {
    const db = openDatabase(path, prepare);
    const { know, forget, fact } = factLedger(db);
    return {
      ...speaking(path, { ...holdLedger(db), know, forget, fact }),
      [Symbol.dispose]: () => db.close(),
    };
  });
}
