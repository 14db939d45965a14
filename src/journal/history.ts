import type { Database } from "bun:sqlite";
import type { Holder } from "../core/hold.ts";

export const hourMs = 3_600_000;

/** What is kept: a day to show, and another in case the clock is set back. */
const keptMs = 48 * hourMs;

/** Counts the new bans of a jail that is known, in all and by the hour; within the caller's transaction. */
export function banCounter(db: Database): (holder: Holder, now: number) => void {
  const sql = {
    all: () =>
      db.query("UPDATE jails SET bans = bans + 1 WHERE jail = $jail AND host = $host AND profile = $profile"),
    forget: () => db.query("DELETE FROM bans WHERE jail = $jail AND abs(start_at - $now) > $keptMs"),
    hour: () =>
      db.query(
        "INSERT INTO bans (jail, start_at, bans) VALUES ($jail, $startAt, 1) ON CONFLICT DO UPDATE SET bans = bans + 1",
      ),
  };
  return ({ jail, host, profile }, now) => {
    sql.all().run({ jail, host, profile });
    sql.forget().run({ jail, now, keptMs });
    sql.hour().run({ jail, startAt: hourOf(now) });
  };
}

/** When the hour of a moment began. */
export function hourOf(at: number): number {
  return Math.floor(at / hourMs) * hourMs;
}
