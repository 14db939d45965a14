import { makeRoom, sayRoomy } from "./crowd.ts";
import type { Gate } from "./gate.ts";
import type { CourierJournal } from "./journal.ts";
import type { Blocklist, Profile } from "./ports.ts";
import { deliverRound } from "./round.ts";
import { openAt, openPlaces, poolOf } from "./trouble.ts";
import type { Opened } from "./trouble.ts";
import type { Turns } from "./turns.ts";

/** Calls of one round: few enough that a newer ban does not wait long behind them. */
const mostAtOnce = 64;

export interface Delivery {
  readonly journal: CourierJournal;
  readonly profile: Profile;
  readonly gate: Gate;
  /** The profiles that block at a place; none: it has left the configuration. */
  readonly profilesOf: (place: string) => ReadonlySet<string>;
  /** The places of a pool where profiles block, and which do. */
  readonly placesIn: (pool: string) => ReadonlyMap<string, ReadonlySet<string>>;
  /** What profiles do at one place, they do in turn. */
  readonly turnsAt: (place: string) => Turns;
  now(): number;
  random(): number;
  log(level: "info" | "warn", jail: string, message: string): void;
}

/** When all is where it is wanted, has the places that the profile has left emptied; returns how much is in them. */
export async function abandonPlaces(
  { journal, profile, now }: Delivery,
  { former }: Opened,
): Promise<number> {
  if (former.length === 0) return 0;
  return journal.abandon(
    profile.name,
    former.map(({ place }) => place),
    now(),
  );
}

/** Delivers what is due of a profile until nothing is, or until Cloudflare is to be left alone for a while. */
export async function drain(delivery: Delivery, signal: AbortSignal): Promise<void> {
  const { journal, profile, gate, now } = delivery;
  const tryAt = await journal.nextTryAt(profile.name, now());
  if (tryAt === null || tryAt > now()) return;
  while (!signal.aborted && (await openAt(delivery)) <= now()) {
    const opened = await openPlaces(delivery);
    if (opened === null) return;
    const pool = poolOf(opened);
    const out = await makeRoom(delivery, pool);
    const calls = await gate.room(mostAtOnce);
    const limitOf = ({ atOnce }: Blocklist): number => Math.max(atOnce, calls);
    const due = await journal.due(profile.name, now(), Math.max(calls, ...opened.places.map(limitOf)));
    if (due.length === 0) {
      if ((await abandonPlaces(delivery, opened)) > 0) continue;
      const waiting = out > 0 || (await journal.nextTryAt(profile.name, now())) !== null;
      if (!waiting) await sayRoomy(delivery, pool);
      return;
    }
    await deliverRound(delivery, { ...opened, due, limitOf }, signal);
  }
}
