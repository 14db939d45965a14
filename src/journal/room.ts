import type { Database } from "bun:sqlite";
import type { Crowd, RoomLedger } from "../core/journal.ts";
import { countOut, leftOut, profilesIn } from "../core/room.ts";
import type { ProfileNetwork, Outside } from "../core/room.ts";
import { immediate } from "./immediate.ts";
import { markPending } from "./pending.ts";
import type { Sync } from "./sync.ts";

interface OutsideRow extends ProfileNetwork {
  readonly waiting: number;
}

interface ThereRow extends ProfileNetwork {
  readonly place: string;
  readonly owned: number;
}

/** The places of a pool: ";" is the character after ":". */
const ofPool = "place >= $pool || ':' AND place < $pool || ';'";
const ofProfiles = "profile IN (SELECT value FROM json_each($profiles))";

/** Which networks are left out of the places with little room. */
export function roomLedger(db: Database): Sync<RoomLedger> {
  const mark = markPending(db);
  const put = db.query(
    "INSERT OR REPLACE INTO outside (profile, network, waiting) VALUES ($profile, $network, $waiting)",
  );
  const remove = db.query("DELETE FROM outside WHERE profile = $profile AND network = $network");

  function occupied(pool: string): number {
    return (
      db
        .query<{ items: number }, { pool: string }>(
          `SELECT count(*) AS items FROM edge WHERE ${ofPool} AND owned = 1`,
        )
        .get({ pool })?.items ?? 0
    );
  }

  /** Whether all that is held fits beside all that is there, and nothing is left out: then there is nothing to decide. */
  function isRoomy({ pool, room }: Crowd, profiles: string): boolean {
    const counts = db
      .query<{ outside: number; held: number }, { profiles: string }>(
        `SELECT (SELECT count(*) FROM outside WHERE ${ofProfiles}) AS outside,
           (SELECT count(*) FROM (SELECT DISTINCT network, profile FROM holds WHERE ${ofProfiles})) AS held`,
      )
      .get({ profiles });
    return counts?.outside === 0 && counts.held + occupied(pool) <= room;
  }

  function decide({ pool, places, room }: Crowd, profiles: string): readonly Outside[] {
    const held = db
      .query<ProfileNetwork, { profiles: string }>(
        `SELECT network, profile FROM holds WHERE ${ofProfiles}
         GROUP BY network, profile ORDER BY max(held_at) DESC, network, profile`,
      )
      .all({ profiles });
    const there = db
      .query<ThereRow, { pool: string }>(`SELECT place, network, profile, owned FROM edge WHERE ${ofPool}`)
      .all({ pool })
      .map((row) => ({ ...row, owned: row.owned === 1 }));
    return leftOut({ held, there, places, room });
  }

  return {
    occupied,
    makeRoom(crowd, now) {
      const profiles = JSON.stringify(profilesIn(crowd));
      if (isRoomy(crowd, profiles)) return 0;
      return immediate(db, () => {
        const outside = decide(crowd, profiles);
        const before = db
          .query<OutsideRow, { profiles: string }>(
            `SELECT profile, network, waiting FROM outside WHERE ${ofProfiles}`,
          )
          .all({ profiles });
        const was = new Map(before.map((row) => [keyOf(row), row.waiting === 1]));
        for (const row of outside) {
          if (was.get(keyOf(row)) === row.waiting) continue;
          const { profile, network, waiting } = row;
          put.run({ profile, network, waiting: waiting ? 1 : 0 });
          if (!waiting) mark(profile, network, false, now);
        }
        const is = new Set(outside.map(keyOf));
        const held = db.query<unknown, { profile: string; network: string }>(
          "SELECT 1 FROM holds WHERE network = $network AND profile = $profile",
        );
        for (const { profile, network } of before) {
          if (is.has(keyOf({ profile, network }))) continue;
          remove.run({ profile, network });
          if (held.get({ profile, network }) !== null) mark(profile, network, true, now);
        }
        return countOut(outside);
      });
    },
  };
}

function keyOf({ profile, network }: ProfileNetwork): string {
  return `${profile} ${network}`;
}
