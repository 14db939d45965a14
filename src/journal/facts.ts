import type { Database } from "bun:sqlite";
import type { FactLedger } from "../core/ports.ts";
import type { Sync } from "./sync.ts";

/** Small things to remember. */
export function factLedger(db: Database): Sync<FactLedger> {
  return {
    fact(name) {
      return (
        db.query<{ value: string }, [string]>("SELECT value FROM facts WHERE name = ?").get(name)?.value ??
        null
      );
    },
    setFact(name, value) {
      db.query("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)").run(name, value);
    },
  };
}
