import type { Database } from "bun:sqlite";
import type { Grace } from "../core/journal.ts";
import { immediate } from "./immediate.ts";
import type { markPending } from "./pending.ts";

interface EndingRow {
  readonly profile: string;
  readonly jail: string;
  readonly host: string;
  readonly address: string;
  readonly graced: number;
}

const columns = "DISTINCT profile, jail, host, address, graced";
const key = "profile = $profile AND jail = $jail AND host = $host AND address = $address";

/** Ends holds whose time or grace is over, and keeps those that fail2ban still has; returns how many ended. */
export function sweepHolds(
  db: Database,
  mark: ReturnType<typeof markPending>,
  now: number,
  grace: Grace,
): number {
  const flushed = db.query<EndingRow, [number]>(
    `SELECT ${columns} FROM holds WHERE release_at IS NOT NULL AND release_at <= ?`,
  );
  const expired = db.query<EndingRow, [number]>(
    `SELECT ${columns} FROM holds WHERE until_at IS NOT NULL AND until_at <= ?`,
  );
  const giveGrace = db.query(`UPDATE holds SET release_at = $releaseAt, graced = 1 WHERE ${key}`);
  const prolong = db.query(`UPDATE holds SET until_at = $untilAt WHERE ${key}`);
  const end = db.query<{ network: string }, Record<string, string>>(
    `DELETE FROM holds WHERE ${key} RETURNING network`,
  );
  const drop = ({ profile, jail, host, address }: EndingRow): number => {
    const gone = end.all({ profile, jail, host, address });
    for (const { network } of gone) mark(profile, network, false, now);
    return gone.length > 0 ? 1 : 0;
  };
  return immediate(db, () => {
    let ended = 0;
    for (const row of flushed.all(now)) {
      const { profile, jail, host, address } = row;
      if (row.graced === 0 && grace.stillBannedUntil(jail, address) !== null) {
        giveGrace.run({ profile, jail, host, address, releaseAt: now + grace.restartMs });
      } else ended += drop(row);
    }
    for (const row of expired.all(now - grace.slackMs)) {
      const { profile, jail, host, address } = row;
      const untilAt = grace.stillBannedUntil(jail, address);
      if (untilAt === null || untilAt <= now) ended += drop(row);
      else prolong.run({ profile, jail, host, address, untilAt: Number.isFinite(untilAt) ? untilAt : null });
    }
    return ended;
  });
}
