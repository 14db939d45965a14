import { isOver } from "./over.ts";
import { every } from "./every.ts";
import type { FleetJournal } from "./fleet.ts";
import { compareWithFleet, joinHolds, learnFromFleet } from "./member.ts";
import type { Member } from "./member.ts";

/** How often it tells the fleet that it is there. */
const beatEveryMs = 10_000;

/** How often it looks whether the fleet still has what it was told: a database can be set back while we are connected. */
const compareEveryMs = 60_000;

/** A courier looks so often even where nothing is due, as the timer of a server alone does. */
const courierEveryMs = 60_000;

/** After a courier that ended with something left to do comes the next, as long as nothing new was told. */
const leadAgainMs = 5_000;

/** What a host does while it is in touch with its fleet. */
export interface Link extends AsyncDisposable {
  /** To be called when the host's own journal has changed, and with a tick from time to time. */
  look(tick: boolean): Promise<void>;
}

export interface Visiting {
  /** The profiles that this host can deliver. */
  readonly profiles: readonly string[];
  /** Delivers for the fleet until nothing is due. */
  deliver(fleet: FleetJournal, signal: AbortSignal): Promise<void>;
  now(): number;
}

/** One session with the fleet's journal: joins what the host holds, and delivers when nobody else does. */
export function visitOf({ profiles, deliver, now }: Visiting, member: Member, signal: AbortSignal): Link {
  const { fleet, host } = member;
  const [beats, compares] = [every(beatEveryMs, now), every(compareEveryMs, now)];
  const fleetTime = (): number => now() + fleet.aheadMs();
  const stop = new AbortController();
  const broken: unknown[] = [];
  let history = "";
  let courier: Promise<void> | null = null;
  let ledAt = Number.NEGATIVE_INFINITY;
  const lead = async (): Promise<void> => {
    if (!(await fleet.lead())) return;
    await fleet.setFact("led_at", String(fleetTime()));
    await deliver(fleet, AbortSignal.any([signal, stop.signal, fleet.over]));
    await fleet.follow();
    ledAt = now();
  };
  const tellHistory = async (): Promise<void> => {
    const now = member.own.history(host);
    if (JSON.stringify(now) === history) return;
    await fleet.tell(host, now);
    history = JSON.stringify(now);
  };
  const isWanted = async (): Promise<boolean> => {
    if (Math.abs(now() - ledAt) < leadAgainMs) return false;
    for (const profile of profiles) {
      const tryAt = await fleet.nextTryAt(profile, fleetTime());
      if (tryAt !== null && tryAt <= fleetTime()) return true;
    }
    return isOver(fleet, "led_at", courierEveryMs, fleetTime());
  };
  return {
    async look(tick) {
      if (broken.length > 0) throw broken[0];
      if (tick && compares()) await compareWithFleet(member);
      const told = await joinHolds(member);
      if (tick) {
        await fleet.changes();
        await tellHistory();
      }
      if (tick && beats()) {
        await fleet.beat(host);
        await learnFromFleet(member);
      }
      if (courier !== null || fleet.isAsked() || !(told > 0 || (tick && (await isWanted())))) return;
      courier = lead()
        .catch((error: unknown) => void broken.push(error))
        .then(() => {
          courier = null;
        });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await courier;
      await fleet[Symbol.asyncDispose]();
    },
  };
}
