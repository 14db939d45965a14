import { Failure } from "../errors.ts";
import { backoffMs } from "./backoff.ts";
import type { Courier } from "./courier.ts";
import { every } from "./every.ts";
import type { FleetJournal, OwnJournal } from "./fleet.ts";
import type { Member } from "./member.ts";
import { hasten, recoverIfDue, sweepIfDue } from "./upkeep.ts";
import type { Upkeep } from "./upkeep.ts";
import { visitOf } from "./visit.ts";
import type { Link, Visiting } from "./visit.ts";

/** How often a host looks at its own journal, which is one read of a counter. */
const lookEveryMs = 50;

/** How often it looks at the fleet's, and whether its courier is gone. */
const tickMs = 1_000;

/** How often it looks for moments that a clock has put too far ahead. */
const hastenEveryMs = 60_000;

/** Waits of a host that cannot reach its fleet's journal. */
const outage = { baseMs: 1_000, capMs: 15_000 };

export interface Membership extends Visiting {
  readonly host: string;
  readonly own: OwnJournal;
  readonly upkeep: Omit<Upkeep, "journal" | "now">;
  /** Opens the fleet's journal; throws an unavailable failure where it cannot be. */
  open(): Promise<FleetJournal>;
  /** Called before the host's holds are compared with what the fleet has of them. */
  prepare(member: Member): Promise<void>;
  readonly beforeLook: Courier["beforeLook"];
  readonly outdated: Courier["outdated"];
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
  const [ticks, hastens] = [every(tickMs, now), every(hastenEveryMs, now)];
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
      if (tick && hastens()) await hasten(upkeep);
      await recoverIfDue(upkeep);
      sweepAt = await sweepIfDue(upkeep, sweepAt);
      await link.look(tick);
    }
    await sleep(lookEveryMs);
  }
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
    return member;
  } catch (error) {
    await fleet[Symbol.asyncDispose]();
    throw error;
  }
}
