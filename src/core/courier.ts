import { Failure } from "../errors.ts";
import { drain, openAt } from "./deliver.ts";
import type { Delivery } from "./deliver.ts";
import type { CourierJournal, Entry, FactLedger, Grace } from "./ports.ts";
import { syncProfile } from "./sync.ts";

/** How often a waiting courier looks at the journal; one look is one read of a counter. */
const lookEveryMs = 50;

/** How long it stays after its last work: the bans of a burst find its connection open. */
const lingerMs = 3_000;

/** It stays while something becomes due within this time; after that the timer is enough. */
const stayMs = 600_000;

/** fail2ban unbans at a ban's end by itself; what is left this long after it is ours to end. */
const slackMs = 60_000;

/** fail2ban's bans are read so often, in case a hook could not record one. */
const recoverEveryMs = 600_000;

/** The edge is compared so often, in case somebody changed it. */
const syncEveryMs = 3_600_000;

/** How often a courier that stays looks whether one of these is due. */
const upkeepEveryMs = 60_000;

/** A sweep that could not ask fail2ban is tried again after this time. */
const sweepAgainMs = 30_000;

export interface Courier {
  /** `changes` gives a number that is another when somebody else has changed the journal. */
  readonly journal: CourierJournal & { changes(): number | Promise<number> };
  readonly deliveries: readonly Delivery[];
  readonly restartMs: number;
  /** fail2ban's own list of bans, read anew; null when it cannot be read now. */
  readonly stillBanned: () => Grace["stillBannedUntil"] | null;
  /** Holds what fail2ban bans and the journal has not. */
  readonly recover: () => Promise<void>;
  /** Holds what a new journal finds of ours at the edge, as far as fail2ban still bans it or never knew it. */
  readonly rebuild: (profile: string, found: readonly Entry[]) => Promise<void>;
  /** Called before each look: from then on a hook wakes anew. */
  readonly beforeLook: () => void;
  /** True when the configuration has changed: the courier ends and begins anew. */
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
  let upkeepAt = 0;
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
      if (upkeepAt <= now() || upkeepAt > now() + upkeepEveryMs) {
        upkeepAt = now() + upkeepEveryMs;
        await recoverIfDue(courier);
        await syncIfDue(courier);
        continue;
      }
      if (idle && (nextAt === null || nextAt - now() > stayMs)) break;
    }
    await Promise.race([sleep(lookEveryMs), ...running.values()]);
  }
  await Promise.all(running.values());
  if (broken.length > 0) throw broken[0];
}

/** What of a host's own journal has to be looked after, whoever delivers. */
export type Upkeep = Pick<Courier, "recover" | "stillBanned" | "restartMs" | "now"> & {
  readonly journal: Pick<CourierJournal, "fact" | "setFact" | "nextEndAt" | "sweep">;
};

export async function recoverIfDue({ journal, recover, now }: Upkeep): Promise<void> {
  if (!(await isOver(journal, "recovered_at", recoverEveryMs, now()))) return;
  await recover();
  await journal.setFact("recovered_at", String(now()));
}

async function syncIfDue(courier: Courier): Promise<void> {
  const { journal, deliveries, now } = courier;
  if (!(await isOver(journal, "synced_at", syncEveryMs, now()))) return;
  const fresh = (await journal.fact("synced_at")) === null;
  await journal.setFact("synced_at", String(now()));
  for (const delivery of deliveries) {
    const places = (await syncProfile(delivery)) ?? [];
    if (fresh)
      await courier.rebuild(
        delivery.profile.name,
        places.flatMap(({ found }) => found),
      );
  }
  if (fresh) await courier.recover();
}

/** Whether the moment of a fact is longer ago than `everyMs`, or in the future after the clock was set back. */
export async function isOver(
  journal: Pick<FactLedger, "fact">,
  fact: string,
  everyMs: number,
  now: number,
): Promise<boolean> {
  const at = Number((await journal.fact(fact)) ?? 0);
  return now - at >= everyMs || at > now;
}

/** One pass: everything that can be delivered now is, and the courier does not wait for more. */
export async function runOnce(courier: Courier, signal: AbortSignal): Promise<void> {
  courier.beforeLook();
  await sweepIfDue(courier, 0);
  await Promise.all(courier.deliveries.map((delivery) => drain(delivery, signal)));
}

/** Whether something is due now, for the look after the lock was let go. */
export async function anythingDue(courier: Courier): Promise<boolean> {
  const due = await Promise.all(courier.deliveries.map(isDue));
  return due.includes(true);
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

/** Ends what is over; returns when the next sweep may be at the earliest. */
export async function sweepIfDue(
  { journal, restartMs, now, stillBanned }: Upkeep,
  notBefore: number,
): Promise<number> {
  const at = await journal.nextEndAt(slackMs);
  if (at === null || at > now() || notBefore > now()) return notBefore;
  const stillBannedUntil = stillBanned();
  if (stillBannedUntil === null) return now() + sweepAgainMs;
  await journal.sweep(now(), { slackMs, restartMs, stillBannedUntil });
  return 0;
}

/** The worst that keeps something from being delivered: what a pass that was to deliver all says at its end. */
export async function obstacle({ journal }: Courier, now: number): Promise<Failure | null> {
  const { pending, parked, pauses } = await journal.summary(now);
  const paused = pauses.find(({ kind }) => kind !== "unavailable") ?? pauses[0];
  if (paused !== undefined && pending > 0) return new Failure(paused.kind, paused.reason);
  if (pending > 0) return new Failure("unavailable", `${pending} networks are still pending`);
  return parked > 0
    ? new Failure("refused", `${parked} networks are parked`, { hint: "see: fail2ban-cloudflare list" })
    : null;
}
