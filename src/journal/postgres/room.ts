import type { Crowd, RoomLedger } from "../../core/journal.ts";
import { countOut, leftOut, profilesIn } from "../../core/room.ts";
import type { ProfileNetwork, Outside } from "../../core/room.ts";
import { markPending } from "./pending.ts";
import type { Mark } from "./pending.ts";
import { lockForWriting } from "./schema.ts";
import type { Run, Session } from "./session.ts";

interface ThereRow extends ProfileNetwork {
  readonly place: string;
  readonly owned: boolean;
}

/** Changes of one transaction: few enough that other hosts do not wait long. */
const mostAtOnce = 5_000;

const ofPool = "starts_with(place, $1 || ':')";
const ofProfiles = "profile = ANY($1::text[])";

/** Which networks are left out of the places with little room. */
export function roomLedger({ run, atomically }: Session): RoomLedger {
  return {
    occupied: (pool) => occupied(run, pool),
    async makeRoom(crowd, now) {
      if (await isRoomy(run, crowd)) return 0;
      for (;;) {
        const { out, left } = await atomically(async (own) => {
          await lockForWriting(own);
          return decide(own, crowd, now);
        });
        if (left === 0) return out;
      }
    },
  };
}

async function occupied(run: Run, pool: string): Promise<number> {
  const [row] = await run<{ items: number }>(
    `SELECT count(*)::int AS items FROM edge WHERE ${ofPool} AND owned`,
    [pool],
  );
  return row?.items ?? 0;
}

/** Whether all that is held fits beside all that is there, and nothing is left out: then there is nothing to decide. */
async function isRoomy(run: Run, crowd: Crowd): Promise<boolean> {
  const { pool, room } = crowd;
  const own = profilesIn(crowd);
  const [some] = await run<{ outside: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM outside WHERE ${ofProfiles}) AS outside`,
    [own],
  );
  if (some?.outside === true) return false;
  if (room === Number.POSITIVE_INFINITY) return true;
  const [row] = await run<{ held: number }>(
    `SELECT count(*)::int AS held FROM (SELECT DISTINCT network, profile FROM holds WHERE ${ofProfiles}) AS h`,
    [own],
  );
  return (row?.held ?? 0) + (await occupied(run, pool)) <= room;
}

/** Makes some of the changes; `left`: how many are still to be made. */
async function decide(
  run: Run,
  crowd: Crowd,
  now: number,
): Promise<{ readonly out: number; readonly left: number }> {
  const { pool, places, room } = crowd;
  const own = profilesIn(crowd);
  const held = await run<ProfileNetwork>(
    `SELECT network, profile FROM holds WHERE ${ofProfiles}
     GROUP BY network, profile ORDER BY max(held_at) DESC, network, profile`,
    [own],
  );
  const there = await run<ThereRow>(`SELECT place, network, profile, owned FROM edge WHERE ${ofPool}`, [
    pool,
  ]);
  const before = await run<Outside>(`SELECT profile, network, waiting FROM outside WHERE ${ofProfiles}`, [
    own,
  ]);
  const outside = leftOut({ held, there, places, room });
  const [was, is] = [new Map(before.map((row) => [keyOf(row), row.waiting])), new Set(outside.map(keyOf))];
  const changed = outside.filter((row) => was.get(keyOf(row)) !== row.waiting);
  const entered = before.filter((row) => !is.has(keyOf(row)));
  const put = changed.slice(0, mostAtOnce);
  const removed = entered.slice(0, mostAtOnce);
  await putOutside(run, put);
  await removeOutside(run, removed);
  const isHeld = new Set(held.map(keyOf));
  const marked = [
    ...put.filter(({ waiting }) => !waiting),
    ...removed.filter((row) => isHeld.has(keyOf(row))),
  ];
  const marks = marked.map(({ profile, network }): Mark => ({ profile, network, ban: true }));
  await markPending(run, marks, now);
  return { out: countOut(outside), left: changed.length + entered.length - put.length - removed.length };
}

async function putOutside(run: Run, rows: readonly Outside[]): Promise<void> {
  await run(
    `INSERT INTO outside (profile, network, waiting)
     SELECT profile, network, waiting FROM jsonb_to_recordset($1::jsonb) AS r(profile text, network text, waiting boolean)
     ON CONFLICT (profile, network) DO UPDATE SET waiting = excluded.waiting`,
    [rows],
  );
}

async function removeOutside(run: Run, rows: readonly Outside[]): Promise<void> {
  await run(
    `DELETE FROM outside o USING jsonb_to_recordset($1::jsonb) AS r(profile text, network text)
     WHERE o.profile = r.profile AND o.network = r.network`,
    [rows],
  );
}

function keyOf({ profile, network }: ProfileNetwork): string {
  return `${profile} ${network}`;
}
