import type { Database } from "bun:sqlite";
import { isMode } from "../core/hold.ts";
import type { FactLedger, JailLedger } from "../core/journal.ts";
import type { Sync } from "./sync.ts";

interface HeldRow {
  readonly address: string;
  readonly held_at: number;
  readonly until_at: number | null;
  readonly release_at: number | null;
}

/** What the journal knows beside holds and the edge: jails and small things to remember. */
export function factLedger(db: Database): Sync<FactLedger & JailLedger> {
  return {
    know({ profile, jail, host }, mode) {
      db.query(
        `INSERT INTO jails (jail, host, profile, mode) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET mode = excluded.mode WHERE mode <> excluded.mode`,
      ).run(jail, host, profile, mode);
    },
    forget({ profile, jail, host }) {
      db.query("DELETE FROM jails WHERE jail = ? AND host = ? AND profile = ?").run(jail, host, profile);
    },
    jails(host) {
      return db
        .query<{ jail: string; profile: string; mode: string }, [string]>(
          "SELECT jail, profile, mode FROM jails WHERE host = ? ORDER BY jail, profile",
        )
        .all(host)
        .map(({ jail, profile, mode }) => ({ jail, profile, mode: isMode(mode) ? mode : "block" }));
    },
    heldBy({ profile, jail, host }) {
      const rows = db
        .query<HeldRow, [string, string, string]>(
          "SELECT address, held_at, until_at, release_at FROM holds WHERE profile = ? AND jail = ? AND host = ?",
        )
        .all(profile, jail, host);
      return new Map(
        rows.map(({ address, held_at, until_at, release_at }) => [
          address,
          { sinceAt: held_at, untilAt: until_at, released: release_at !== null },
        ]),
      );
    },
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
