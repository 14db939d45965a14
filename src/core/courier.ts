import { Failure } from "../errors.ts";
import { drain } from "./deliver.ts";
import type { Delivery } from "./deliver.ts";
import { every } from "./every.ts";
import type { CourierJournal, Grace, KnownJail } from "./journal.ts";
import type { Entry } from "./ports.ts";
import type { Fail2banState, HoldDifference } from "./recover.ts";
import { openAt } from "./trouble.ts";
import { hasten, recoverIfDue, slackMs, sweepIfDue, syncIfDue } from "./upkeep.ts";

/** How often a waiting courier looks at the journal; one look is one read of a counter. */
const lookEveryMs = 50;

/** How long it stays after its last work: the bans of a burst find its connection open. */
const lingerMs = 3_000;

/** It stays while something becomes due within this time; after that the timer is enough. */
const stayMs = 600_000;

/** How often a courier that stays looks whether there is something to compare or recover. */
const upkeepEveryMs = 60_000;

export interface Courier {
  /** `changes` gives a number that is another when somebody else has changed the journal. */
  readonly journal: CourierJournal & { changes(): number | Promise<number> };
  readonly deliveries: readonly Delivery[];
  readonly restartMs: number;
  /** fail2ban's own list of bans, read anew; null when it cannot be read now. */
  readonly stillBanned: () => Grace["stillBannedUntil"] | null;
  /** What fail2ban's database says, read anew; null when it cannot be read now. */
  readonly fail2banState: () => Fail2banState | null;
  /** How what these jails hold differs from what fail2ban bans in them. */
  readonly compareHolds: (jails: readonly KnownJail[], state: Fail2banState) => Promise<HoldDifference>;
  /** Holds what fail2ban bans and the journal has not. */
  readonly recover: () => Promise<void>;
  /**
   * Holds what a new journal finds of ours at the edge, as far as fail2ban still bans it or never knew it; rejects with
   * an unavailable failure when fail2ban's bans cannot be read now.
   */
  readonly rebuild: (profile: string, found: readonly Entry[]) => Promise<void>;
  /** Asks Cloudflare for its own ranges, which are never to be blocked; what is known stays when it cannot say. */
  readonly refreshRanges: () => Promise<void>;
  /** Called before each look: from then on a hook wakes anew. */
  readonly beforeLook: () => void;
  /** True when this courier is to end: the configuration has changed, or somebody waits for its place. */
  readonly outdated: () => boolean;
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** Delivers until nothing is due and nothing becomes due soon. Rejects with the first error that is no Failure. */
export async function runCourier(courier: Courier, signal: AbortSignal): Promise<void> {
  const { journal, deliveries, now, sleep } = courier;
  const running = new Map<Delivery, Promise<void>>();
  const broken: unknown[] = [];
  let workedAt = now();
  let seen = Number.NaN;
  let nextAt: number | null = null;
  let sweepAt = 0;
  const isUpkeepDue = every(upkeepEveryMs, now);
  await recoverIfDue(courier);
  while (!signal.aborted && broken.length === 0) {
    const changes = await journal.changes();
    if (changes !== seen || running.size > 0 || (nextAt !== null && nextAt <= now())) {
      courier.beforeLook();
      seen = changes;
      sweepAt = await sweepIfDue(courier, sweepAt);
      for (const delivery of deliveries) {
        if (running.has(delivery) || !(await isDue(delivery))) continue;
        workedAt = now();
        const end = (): void => {
          running.delete(delivery);
          workedAt = now();
        };
        running.set(
          delivery,
          drain(delivery, signal)
            .catch((error: unknown) => broken.push(error))
            .then(end),
        );
      }
      nextAt = await nextDueAt(courier, sweepAt);
    }
    if (running.size === 0) {
      const idle = now() - workedAt >= lingerMs || now() < workedAt;
      if (courier.outdated()) break;
      if (isUpkeepDue()) {
        await hasten(courier);
        await recoverIfDue(courier);
        await syncIfDue(courier);
        // What we write ourselves does not count as a change.
        seen = Number.NaN;
        continue;
      }
      if (idle && (nextAt === null || nextAt - now() > stayMs)) break;
    }
    await Promise.race([sleep(lookEveryMs), ...running.values()]);
  }
  await Promise.all(running.values());
  if (broken.length > 0) throw broken[0];
}

/** Forgets our own waiting, for a person who asks; not a pause that Cloudflare asked for. */
export async function tryAnew({
  journal,
  deliveries,
}: Pick<Courier, "journal" | "deliveries">): Promise<void> {
  for (const { profile, gate } of deliveries) {
    await journal.clearPauses(profile.name);
    await journal.hurry(profile.name);
    await gate.hurry();
  }
}

/** One pass: everything that can be delivered now is, and the courier does not wait for more. */
export async function runOnce(courier: Courier, signal: AbortSignal): Promise<void> {
  courier.beforeLook();
  await sweepIfDue(courier, 0);
  const { deliveries } = courier;
  // One profile's delivery may leave another something to look at.
  do await Promise.all(deliveries.map((delivery) => drain(delivery, signal)));
  while (!signal.aborted && (await Promise.all(deliveries.map(isDue))).includes(true));
}

/**
 * Whether there is something that a courier works on or stays for, for the look after the lock was let go: a hook that
 * found the lock held has started nobody.
 */
export async function anythingDue(courier: Courier): Promise<boolean> {
  const nextAt = await nextDueAt(courier, 0);
  return nextAt !== null && nextAt - courier.now() <= stayMs;
}

async function isDue(delivery: Delivery): Promise<boolean> {
  const at = await dueAt(delivery);
  return at !== null && at <= delivery.now();
}

/** When a profile has something to deliver and may call; null: nothing is pending. */
async function dueAt(delivery: Delivery): Promise<number | null> {
  const tryAt = await delivery.journal.nextTryAt(delivery.profile.name, delivery.now());
  return tryAt === null ? null : Math.max(tryAt, await openAt(delivery));
}

async function nextDueAt({ journal, deliveries }: Courier, sweepAt: number): Promise<number | null> {
  const ends = await journal.nextEndAt(slackMs);
  const moments = [
    ends === null ? null : Math.max(ends, sweepAt),
    ...(await Promise.all(deliveries.map(dueAt))),
  ];
  const known = moments.filter((at) => at !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** The worst that keeps something from being delivered: what a pass that was to deliver all says at its end. */
export async function obstacle({ journal }: Courier): Promise<Failure | null> {
  const { pending, parked, pauses } = await journal.backlog();
  const paused = pauses.find(({ kind }) => kind !== "unavailable") ?? pauses[0];
  if (paused !== undefined && pending > 0) return new Failure(paused.kind, paused.reason);
  if (pending > 0)
    return new Failure("unavailable", `Cannot deliver everything now: ${pending} pending`, {
      hint: "it is tried again; see: fail2ban-cloudflare status",
    });
  return parked > 0
    ? new Failure("refused", `Cannot deliver everything: Cloudflare refuses ${parked}`, {
        hint: "see: fail2ban-cloudflare list",
      })
    : null;
}
