import type { ResultLedger } from "../../core/call-ledger.ts";
import type { Run } from "./session.ts";

/** How the last calls to each place went. */
export function resultLedger(run: Run): ResultLedger {
  const put = `INSERT INTO results AS r (profile, label, place, credential, succeeded_at, failed_at, reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (profile, label) DO UPDATE SET
       credential = excluded.credential,
       place = coalesce(excluded.place, r.place),
       succeeded_at = coalesce(excluded.succeeded_at, r.succeeded_at),
       failed_at = coalesce(excluded.failed_at, r.failed_at),
       reason = coalesce(excluded.reason, r.reason)`;
  return {
    async succeeded({ profile, label, place, credential }, now) {
      await run(put, [profile, label, place, credential, now, null, null]);
    },
    async failed({ profile, label, place, credential }, reason, now) {
      await run(put, [profile, label, place, credential, null, now, reason]);
    },
    async forgetResults(profile) {
      await run("DELETE FROM results WHERE profile = $1", [profile]);
    },
  };
}
