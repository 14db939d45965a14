import type { Database } from "bun:sqlite";
import type { Crowd, RoomLedger } from "../core/journal.ts";
import { leftOut } from "../core/room.ts";
import { immediate } from "./immediate.ts";
import { markPending } from "./pending.ts";
import type { Sync } from "./sync.ts";

type State = "out" | "waiting";

interface OutsideRow {
  readonly profile: string;
  readonly network: string;
  readonly waiting: number;
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
           (SELECT count(DISTINCT network) FROM holds WHERE ${ofProfiles}) AS held`,
      )
      .get({ profiles });
    return counts?.outside === 0 && counts.held + occupied(pool) <= room;
  }

  function decide({ pool, room }: Crowd, profiles: string): ReadonlyMap<string, State> {
    const held = db
      .query<{ network: string }, { profiles: string }>(
        `SELECT network FROM holds WHERE ${ofProfiles} GROUP BY network ORDER BY max(held_at) DESC, network`,
      )
      .all({ profiles });
    // Somebody else's item is there as well, and takes none of our room.
    const there = db
      .query<{ network: string; items: number }, { pool: string }>(
        `SELECT network, sum(owned) AS items FROM edge WHERE ${ofPool} GROUP BY network`,
      )
      .all({ pool });
    return leftOut({
      held: held.map(({ network }) => network),
      there: new Map(there.map(({ network, items }) => [network, items])),
      room,
    });
  }

  return {
    occupied,
    makeRoom(crowd, now) {
      const profiles = JSON.stringify([...crowd.profiles]);
      if (isRoomy(crowd, profiles)) return 0;
      return immediate(db, () => {
        const decided = decide(crowd, profiles);
        const holders = db.query<{ profile: string }, { profiles: string; network: string }>(
          `SELECT DISTINCT profile FROM holds WHERE network = $network AND ${ofProfiles}`,
        );
        const before = db
          .query<OutsideRow, { profiles: string }>(
            `SELECT profile, network, waiting FROM outside WHERE ${ofProfiles}`,
          )
          .all({ profiles });
        const states = new Map(before.map((row) => [keyOf(row), row.waiting === 1 ? "waiting" : "out"]));
        const stay = new Set<string>();
        for (const [network, state] of decided) {
          for (const { profile } of holders.all({ profiles, network })) {
            stay.add(keyOf({ profile, network }));
            if (states.get(keyOf({ profile, network })) === state) continue;
            put.run({ profile, network, waiting: state === "waiting" ? 1 : 0 });
            if (state === "out") mark(profile, network, false, now);
          }
        }
        for (const { profile, network } of before) {
          if (stay.has(keyOf({ profile, network }))) continue;
          remove.run({ profile, network });
          const held = holders.all({ profiles, network }).some((holder) => holder.profile === profile);
          if (held) mark(profile, network, true, now);
        }
        return [...decided.values()].filter((state) => state === "out").length;
      });
    },
  };
}

function keyOf({ profile, network }: Pick<OutsideRow, "profile" | "network">): string {
  return `${profile} ${network}`;
}
