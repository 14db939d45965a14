import type { Crowd, RoomLedger } from "../../core/journal.ts";
import { leftOut } from "../../core/room.ts";
import { markPending } from "./pending.ts";
import type { Mark } from "./pending.ts";
import { lockForWriting } from "./schema.ts";
import type { Run, Session } from "./session.ts";

interface OutsideRow {
  readonly profile: string;
  readonly network: string;
  readonly waiting: boolean;
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
async function isRoomy(run: Run, { pool, profiles, room }: Crowd): Promise<boolean> {
  const [some] = await run<{ outside: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM outside WHERE ${ofProfiles}) AS outside`,
    [[...profiles]],
  );
  if (some?.outside === true) return false;
  if (room === Number.POSITIVE_INFINITY) return true;
  const [row] = await run<{ held: number }>(
    `SELECT count(DISTINCT network)::int AS held FROM holds WHERE ${ofProfiles}`,
    [[...profiles]],
  );
  return (row?.held ?? 0) + (await occupied(run, pool)) <= room;
}

/** Makes some of the changes; `left`: how many are still to be made. */
async function decide(
  run: Run,
  { pool, profiles, room }: Crowd,
  now: number,
): Promise<{ readonly out: number; readonly left: number }> {
  const own = [...profiles];
  const held = await run<{ network: string; profiles: readonly string[] }>(
    `SELECT network, jsonb_agg(DISTINCT profile) AS profiles FROM holds WHERE ${ofProfiles}
     GROUP BY network ORDER BY max(held_at) DESC, network`,
    [own],
  );
  // Somebody else's item is there as well, and takes none of our room.
  const there = await run<{ network: string; items: number }>(
    `SELECT network, sum(owned::int)::int AS items FROM edge WHERE ${ofPool} GROUP BY network`,
    [pool],
  );
  const before = await run<OutsideRow>(`SELECT profile, network, waiting FROM outside WHERE ${ofProfiles}`, [
    own,
  ]);
  const decided = leftOut({
    held: held.map(({ network }) => network),
    there: new Map(there.map(({ network, items }) => [network, items])),
    room,
  });
  const holders = new Map(held.map((one) => [one.network, one.profiles]));
  const outside = [...decided].flatMap(([network, state]) =>
    (holders.get(network) ?? []).map((profile) => ({ profile, network, waiting: state === "waiting" })),
  );
  const [was, is] = [new Map(before.map((row) => [keyOf(row), row.waiting])), new Set(outside.map(keyOf))];
  const changed = outside.filter((row) => was.get(keyOf(row)) !== row.waiting);
  const entered = before.filter((row) => !is.has(keyOf(row)));
  const put = changed.slice(0, mostAtOnce);
  const removed = entered.slice(0, mostAtOnce);
  await putOutside(run, put);
  await removeOutside(run, removed);
  const isHeld = ({ profile, network }: OutsideRow): boolean =>
    holders.get(network)?.includes(profile) === true;
  const marked = [...put.filter(({ waiting }) => !waiting), ...removed.filter(isHeld)];
  const marks = marked.map(({ profile, network }): Mark => ({ profile, network, ban: true }));
  await markPending(run, marks, now);
  const out = [...decided.values()].filter((state) => state === "out").length;
  return { out, left: changed.length + entered.length - put.length - removed.length };
}

async function putOutside(run: Run, rows: readonly OutsideRow[]): Promise<void> {
  await run(
    `INSERT INTO outside (profile, network, waiting)
     SELECT profile, network, waiting FROM jsonb_to_recordset($1::jsonb) AS r(profile text, network text, waiting boolean)
     ON CONFLICT (profile, network) DO UPDATE SET waiting = excluded.waiting`,
    [rows],
  );
}

async function removeOutside(run: Run, rows: readonly OutsideRow[]): Promise<void> {
  await run(
    `DELETE FROM outside o USING jsonb_to_recordset($1::jsonb) AS r(profile text, network text)
     WHERE o.profile = r.profile AND o.network = r.network`,
    [rows],
  );
}

function keyOf({ profile, network }: OutsideRow): string {
  return `${profile} ${network}`;
}
