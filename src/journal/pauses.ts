import type { Pause } from "../core/call-ledger.ts";

/** The subjects of pauses of a profile's places: "profile:NAME/…"; "0" is the character after "/". */
export const placesOfProfile =
  "subject >= 'profile:' || $profile || '/' AND subject < 'profile:' || $profile || '0'";

export interface PauseRow {
  readonly kind: string;
  readonly reason: string;
  readonly since_at: number;
  readonly until_at: number;
  readonly failures: number;
}

export function pauseOf(row: PauseRow): Pause {
  return {
    kind: row.kind === "rejected" || row.kind === "config" ? row.kind : "unavailable",
    reason: row.reason,
    sinceAt: row.since_at,
    untilAt: row.until_at,
    failures: row.failures,
  };
}
