import type { Delivery } from "./deliver.ts";
import type { Pool } from "./ports.ts";

/** Decides anew what of a profile's pool is in; returns how many find no room, and says it when they begin to. */
export async function makeRoom(delivery: Delivery, pool: Pool | null): Promise<number> {
  const { journal, profile, placesIn, now, log } = delivery;
  if (pool === null) {
    // What was left out of a pool that the profile has left has room elsewhere.
    const places = new Map([["", new Set([profile.name])]]);
    return journal.makeRoom({ pool: "", places, room: Infinity }, now());
  }
  const learned = Number((await journal.fact(roomFact(pool))) ?? Infinity);
  const room = Math.min(await pool.capacity(), learned);
  const out = await journal.makeRoom({ pool: pool.name, places: placesIn(pool.name), room }, now());
  if (out > 0 && (await journal.fact(crowdedFact(pool))) !== "yes") {
    await journal.setFact(crowdedFact(pool), "yes");
    log("warn", "", `${out} of the oldest bans are not at the edge: its lists have room for ${room} of ours`);
  }
  return out;
}

/** Says that none is left out any more, where it was said that some are. */
export async function sayRoomy({ journal, log }: Delivery, pool: Pool | null): Promise<void> {
  if (pool === null || (await journal.fact(crowdedFact(pool))) !== "yes") return;
  await journal.setFact(crowdedFact(pool), "no");
  log("info", "", "All bans are at the edge again: its lists have room for them");
}

/** Takes what is there now for all that fits: Cloudflare has refused more. */
export async function learnRoom({ journal }: Delivery, pool: Pool): Promise<void> {
  await journal.setFact(roomFact(pool), String(await journal.occupied(pool.name)));
}

/** Believes again, until Cloudflare refuses it, that there is all the room of the plan. */
export async function tryRoom(delivery: Delivery, pool: Pool | null): Promise<void> {
  if (pool === null) return;
  await delivery.journal.setFact(roomFact(pool), String(Infinity));
  await makeRoom(delivery, pool);
}

function roomFact({ name }: Pool): string {
  return `room:${name}`;
}

function crowdedFact({ name }: Pool): string {
  return `crowded:${name}`;
}
