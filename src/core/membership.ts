import { Failure } from "../errors.ts";
import { backoffMs } from "./backoff.ts";
import { isOver, recoverIfDue, sweepIfDue } from "./courier.ts";
import type { Courier, Upkeep } from "./courier.ts";
import type { FleetJournal, OwnJournal } from "./fleet.ts";
import { compareHolds, joinHolds, repeatRejections } from "./member.ts";
import type { Member } from "./member.ts";

/** How often a host looks at its own journal, which is one read of a counter. */
const lookEveryMs = 50;

/** How often it looks at the fleet's, and whether its courier is gone. */
const tickMs = 1_000;

/** How often it tells the fleet that it is there. */
const beatEveryMs = 10_000;

/** A courier looks so often even where nothing is due, as the timer of a server alone does. */
const courierEveryMs = 60_000;

/** A courier that could not deliver is not followed by another at once. */
const leadAgainMs = 5_000;

/** Waits of a host that cannot reach its fleet's journal. */
const outage = { baseMs: 1_000, capMs: 15_000 };

export interface Membership {
  readonly host: string;
  readonly own: OwnJournal;
  readonly upkeep: Omit<Upkeep, "journal" | "now">;
  /** The profiles that this host can deliver. */
  readonly profiles: readonly string[];
  /** Opens the fleet's journal; throws an unavailable failure where it cannot be. */
  open(): Promise<FleetJournal>;
  /** Called before the host's holds are compared with what the fleet has of them. */
  prepare(member: Member): Promise<void>;
  /** Delivers for the fleet until nothing is due. */
  deliver(fleet: FleetJournal, signal: AbortSignal): Promise<void>;
  readonly beforeLook: Courier["beforeLook"];
  readonly outdated: Courier["outdated"];
  now(): number;
  random(): number;
  sleep(ms: number): Promise<void>;
  log(level: "info" | "warn", jail: string, message: string): void;
}

/**
 * Joins what the host holds into its fleet's journal for as long as it runs, and is the fleet's courier when there is no
 * other. While the fleet's journal is away, everything waits in the host's own.
 */
export async function runMember(membership: Membership, signal: AbortSignal): Promise<void> {
  const { own, now, sleep, beforeLook, outdated } = membership;
  const upkeep: Upkeep = { ...membership.upkeep, journal: own, now };
  const ticks = every(tickMs, now);
  await using link = linkTo(membership, signal);
  let seen = Number.NaN;
  let sweepAt = 0;
  while (!signal.aborted) {
    const tick = ticks();
    if (tick && outdated()) return;
    const changes = own.changes();
    if (tick || changes !== seen) {
      beforeLook();
      seen = changes;
      await recoverIfDue(upkeep);
      sweepAt = await sweepIfDue(upkeep, sweepAt);
      await link.look(tick);
    }
    await sleep(lookEveryMs);
  }
}

interface Link extends AsyncDisposable {
  look(tick: boolean): Promise<void>;
}

/** The way to the fleet's journal: opened again when it was lost, with a word in the log for each of the two. */
function linkTo(membership: Membership, signal: AbortSignal): Link {
  const { now, random, log } = membership;
  let visit: Link | null = null;
  let failures = 0;
  let tryAt = 0;
  const leave = async (): Promise<void> => {
    await visit?.[Symbol.asyncDispose]();
    visit = null;
  };
  return {
    async look(tick) {
      if (visit === null && now() < tryAt && tryAt - now() <= outage.capMs) return;
      try {
        if (visit === null) {
          visit = visitOf(membership, await enter(membership), signal);
          log("info", "", `Joined the fleet as ${membership.host}`);
          failures = 0;
        }
        await visit.look(tick);
      } catch (error) {
        await leave();
        if (!(error instanceof Failure) || error.kind !== "unavailable") throw error;
        failures += 1;
        tryAt = now() + backoffMs(failures, random, outage);
        if (failures === 1) log("warn", "", `${error.summary}: bans wait here until it is back`);
      }
    },
    [Symbol.asyncDispose]: leave,
  };
}

async function enter({ host, own, now, open, prepare }: Membership): Promise<Member> {
  const fleet = await open();
  try {
    if (!(await fleet.enter(host))) {
      throw new Failure("unavailable", `Cannot join the fleet as "${host}": another server has this name`, {
        hint: 'host = "…", another on every server',
      });
    }
    const member = { host, own, fleet, now };
    await prepare(member);
    await compareHolds(member);
    return member;
  } catch (error) {
    await fleet[Symbol.asyncDispose]();
    throw error;
  }
}

/** One session with the fleet's journal. */
function visitOf(membership: Membership, member: Member, signal: AbortSignal): Link {
  const { fleet, host } = member;
  const [beats, leads] = [every(beatEveryMs, membership.now), every(leadAgainMs, membership.now)];
  const stop = new AbortController();
  const broken: unknown[] = [];
  let courier: Promise<void> | null = null;
  const deliver = async (): Promise<void> => {
    if (!(await fleet.lead())) return;
    await fleet.setFact("led_at", String(fleetTime(membership, fleet)));
    await membership.deliver(fleet, AbortSignal.any([signal, stop.signal, fleet.over]));
    await fleet.follow();
  };
  return {
    async look(tick) {
      if (broken.length > 0) throw broken[0];
      const told = await joinHolds(member);
      if (tick) await fleet.changes();
      if (tick && beats()) {
        await fleet.beat(host);
        await repeatRejections(member);
      }
      if (courier !== null || !(told > 0 || (tick && (await isCourierWanted(membership, fleet)) && leads())))
        return;
      courier = deliver()
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

async function isCourierWanted(membership: Membership, fleet: FleetJournal): Promise<boolean> {
  const at = fleetTime(membership, fleet);
  for (const profile of membership.profiles) {
    const tryAt = await fleet.nextTryAt(profile, at);
    if (tryAt !== null && tryAt <= at) return true;
  }
  return isOver(fleet, "led_at", courierEveryMs, at);
}

function fleetTime({ now }: Membership, fleet: FleetJournal): number {
  return now() + fleet.aheadMs();
}

/** Answers true at once, and then once in a time; a clock that was set back delays nothing. */
function every(everyMs: number, now: () => number): () => boolean {
  let lastAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - lastAt < everyMs && now() >= lastAt) return false;
    lastAt = now();
    return true;
  };
}
