import type { Database } from "bun:sqlite";
import { slotOf, windowMs } from "../core/budget.ts";
import type { Slot } from "../core/budget.ts";
import type { CallLedger } from "../core/call-ledger.ts";
import { immediate } from "./immediate.ts";
import { pauseOf, placesOfProfile } from "./pauses.ts";
import type { PauseRow } from "./pauses.ts";
import type { Sync } from "./sync.ts";

/** The calls' side of the journal. */
export function callLedger(db: Database): Sync<CallLedger> {
  return {
    slots(credential) {
      return db
        .query<Slot, [string]>("SELECT start_at AS startAt, calls FROM calls WHERE credential = ?")
        .all(credential);
    },
    spend(credential, calls, now) {
      immediate(db, () => {
        db.query("DELETE FROM calls WHERE credential = ? AND abs(start_at - ?) > ?").run(
          credential,
          now,
          2 * windowMs,
        );
        db.query(
          `INSERT INTO calls (credential, start_at, calls) VALUES (?, ?, max(0, ?))
           ON CONFLICT DO UPDATE SET calls = max(0, calls.calls + ?)`,
        ).run(credential, slotOf(now), calls, calls);
      });
    },
    pause(subject) {
      const row = db
        .query<PauseRow, [string]>(
          "SELECT kind, reason, since_at, until_at, failures FROM pauses WHERE subject = ?",
        )
        .get(subject);
      return row === null ? null : pauseOf(row);
    },
    setPause(subject, pause) {
      if (pause === null) {
        db.query("DELETE FROM pauses WHERE subject = ?").run(subject);
        return;
      }
      db.query(
        "INSERT OR REPLACE INTO pauses (subject, kind, reason, since_at, until_at, failures) VALUES (?, ?, ?, ?, ?, ?)",
      ).run(subject, pause.kind, pause.reason, pause.sinceAt, pause.untilAt, pause.failures);
    },
    clearPauses(profile) {
      db.query(`DELETE FROM pauses WHERE ${placesOfProfile}`).run({ profile });
    },
  };
}
