import { Failure } from "../errors.ts";
import type { Applied, Fate } from "./apply.ts";
import { backoffMs } from "./backoff.ts";
import type { Delivery } from "./deliver.ts";
import type { Due, Pending } from "./journal.ts";
import { isOver } from "./over.ts";
import { rejectedMs } from "./trouble.ts";
import type { Opened } from "./trouble.ts";

/** Waits of one network whose calls fail while others work. */
const retry = { baseMs: 1_000, capMs: 300_000 };

/** Notes in the journal how every network of a round goes on. */
export async function settleRound(
  delivery: Delivery,
  { due, missingUntilAt }: Pick<Opened, "missingUntilAt"> & { readonly due: readonly Due[] },
  { fates, worked }: Pick<Applied, "fates" | "worked">,
): Promise<void> {
  const { journal, gate, now, random, log } = delivery;
  const missing: Fate | null = missingUntilAt === null ? null : { kind: "paused", untilAt: missingUntilAt };
  const done: number[] = [];
  const crowded: Pending[] = [];
  const pausedUntil = new Map<number, number[]>();
  for (const { pending } of due) {
    const fate = fates.get(pending.generation) ?? missing;
    if (fate === null) done.push(pending.generation);
    else if (fate.kind === "full") crowded.push(pending);
    else if (fate.kind === "paused")
      pausedUntil.getOrInsertComputed(fate.untilAt, () => []).push(pending.generation);
    else if (fate.kind === "failed") await giveFate(delivery, pending, fate.failure);
  }
  if (done.length > 0) await journal.settle(done);
  for (const [untilAt, generations] of pausedUntil)
    await journal.postpone(generations, untilAt, "a place cannot be used");
  if (crowded.length > 0) {
    const tries = Math.max(...crowded.map(({ attempts }) => attempts)) + 1;
    const generations = crowded.map(({ generation }) => generation);
    await journal.retry(generations, now() + backoffMs(tries, random, retry), "the lists are full");
  }
  if (worked && (await gate.worked())) {
    log("info", "", "Cloudflare answers again");
    await hurry(delivery);
  }
}

/** Has what waits tried at once, unless that was done lately: what still fails would be tried without end. */
async function hurry({ journal, profile, now }: Delivery): Promise<void> {
  const fact = `hurried_at:${profile.name}`;
  if (!(await isOver(journal, fact, retry.capMs, now()))) return;
  await journal.setFact(fact, String(now()));
  await journal.hurry(profile.name);
}

/** Notes how a failed network goes on. */
async function giveFate(
  { journal, now, random, log }: Delivery,
  pending: Pending,
  failure: unknown,
): Promise<void> {
  if (!(failure instanceof Failure)) throw failure;
  if (failure.kind === "refused") {
    await journal.park(pending.generation, failure.summary);
    log("warn", "", `Parked ${pending.network.text}: ${failure.summary}`);
    return;
  }
  const waitMs =
    failure.retryAfterMs ??
    (failure.kind === "unavailable" ? backoffMs(pending.attempts + 1, random, retry) : rejectedMs);
  await journal.retry([pending.generation], now() + Math.min(waitMs, rejectedMs), failure.message);
}
