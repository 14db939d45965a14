import type { Database } from "bun:sqlite";
import type { ResultLedger } from "../core/call-ledger.ts";
import type { Sync } from "./sync.ts";

/** How the last calls to each place went. */
export function resultLedger(db: Database): Sync<ResultLedger> {
  const put = () =>
    db.query(
      `INSERT INTO results (profile, label, place, credential, succeeded_at, failed_at, reason)
       VALUES ($profile, $label, $place, $credential, $succeededAt, $failedAt, $reason)
       ON CONFLICT DO UPDATE SET
         credential = excluded.credential,
         place = coalesce(excluded.place, place),
         succeeded_at = coalesce(excluded.succeeded_at, succeeded_at),
         failed_at = coalesce(excluded.failed_at, failed_at),
         reason = coalesce(excluded.reason, reason)`,
    );
  return {
    succeeded({ profile, label, place, credential }, now) {
      put().run({ profile, label, place, credential, succeededAt: now, failedAt: null, reason: null });
    },
    failed({ profile, label, place, credential }, reason, now) {
      put().run({ profile, label, place, credential, succeededAt: null, failedAt: now, reason });
    },
    forgetResults(profile) {
      db.query("DELETE FROM results WHERE profile = ?").run(profile);
    },
  };
}
