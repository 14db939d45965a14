import { slotOf, windowMs } from "../../core/budget.ts";
import type { Slot } from "../../core/budget.ts";
import type { CallLedger } from "../../core/call-ledger.ts";
import type { Backlog } from "../../core/views.ts";
import { pauseOf } from "../pauses.ts";
import type { PauseRow } from "../pauses.ts";
import type { Run } from "./session.ts";

const columns = "kind, reason, since_at::float8 AS since_at, until_at::float8 AS until_at, failures";

/** The calls' side of the journal. */
export function callLedger(run: Run): CallLedger {
  return {
    slots: (credential) =>
      run<Slot>(`SELECT start_at::float8 AS "startAt", calls FROM calls WHERE credential = $1`, [credential]),
    async spend(credential, calls, now) {
      await run(
        `WITH old AS (DELETE FROM calls WHERE credential = $1 AND abs(start_at - $2::bigint) > $3::bigint)
         INSERT INTO calls (credential, start_at, calls) VALUES ($1, $4, greatest(0, $5))
         ON CONFLICT (credential, start_at) DO UPDATE SET calls = greatest(0, calls.calls + $5)`,
        [credential, now, 2 * windowMs, slotOf(now), calls],
      );
    },
    async pause(subject) {
      const [row] = await run<PauseRow>(`SELECT ${columns} FROM pauses WHERE subject = $1`, [subject]);
      return row === undefined ? null : pauseOf(row);
    },
    async setPause(subject, pause) {
      if (pause === null) {
        await run("DELETE FROM pauses WHERE subject = $1", [subject]);
        return;
      }
      const { kind, reason, sinceAt, untilAt, failures } = pause;
      await run(
        `INSERT INTO pauses (subject, kind, reason, since_at, until_at, failures) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (subject) DO UPDATE SET
           kind = $2, reason = $3, since_at = $4, until_at = $5, failures = $6`,
        [subject, kind, reason, sinceAt, untilAt, failures],
      );
    },
    async clearPauses(profile) {
      await run("DELETE FROM pauses WHERE starts_with(subject, $1)", [`profile:${profile}/`]);
    },
  };
}

/** Every pause, oldest first. */
export async function allPauses(run: Run): Promise<Backlog["pauses"]> {
  const rows = await run<PauseRow & { readonly subject: string }>(
    `SELECT subject, ${columns} FROM pauses ORDER BY pauses.since_at`,
  );
  return rows.map((row) => ({ subject: row.subject, ...pauseOf(row) }));
}
