import { Failure } from "../errors.ts";
import type { Applied } from "./apply.ts";
import { backoffMs } from "./backoff.ts";
import type { Delivery } from "./deliver.ts";
import { outage } from "./gate.ts";
import type { Due } from "./journal.ts";
import type { Blocklist } from "./ports.ts";
import { messageOf, noteOutage, openAt, subjectOf } from "./trouble.ts";
import type { Opened } from "./trouble.ts";

/** A network that has failed so often keeps nothing else from being tried. */
const ownTroubleAfter = 5;

interface Round extends Pick<Opened, "places" | "pausedUntilAt"> {
  readonly due: readonly Due[];
}

/** A place, and what a round did there. */
export interface Visited {
  readonly place: Blocklist;
  readonly applied: readonly Applied[];
}

/**
 * Leaves alone for a while what is down: the places at which nothing works, or all of Cloudflare where no place of the
 * profile is known to be up.
 */
export async function noteOutages(
  delivery: Delivery,
  round: Round,
  visited: readonly Visited[],
): Promise<void> {
  const reasons = new Map<Blocklist, string>();
  for (const { place, applied } of visited) {
    const reason = outageOf(round, applied);
    if (reason !== null) reasons.set(place, reason);
  }
  const [first] = reasons.values();
  if (first === undefined) return;
  const isUp = (place: Blocklist): boolean => !reasons.has(place) && !round.pausedUntilAt.has(place);
  if (!round.places.some(isUp)) return noteOutage(delivery, first);
  // Where calls are paused, it is no matter of the place.
  if ((await openAt(delivery)) > delivery.now()) return;
  for (const [place, reason] of reasons) await notePlaceOutage(delivery, place.label, reason);
}

/** Why nothing works at a place; null where something did, or only what fails again and again did not. */
function outageOf({ due }: Round, applied: readonly Applied[]): string | null {
  if (applied.some(({ worked }) => worked)) return null;
  for (const { pending } of due) {
    if (pending.attempts >= ownTroubleAfter) continue;
    for (const { fates } of applied) {
      const fate = fates.get(pending.generation);
      if (fate?.kind !== "failed" || !(fate.failure instanceof Failure)) continue;
      if (fate.failure.kind === "unavailable") return messageOf(fate.failure);
    }
  }
  return null;
}

/** The longer the more often; said once. */
async function notePlaceOutage(
  { journal, profile, now, random, log }: Delivery,
  label: string,
  reason: string,
): Promise<void> {
  const subject = subjectOf(profile, label);
  const before = await journal.pause(subject);
  const failures = (before?.failures ?? 0) + 1;
  await journal.setPause(subject, {
    kind: "unavailable",
    reason,
    sinceAt: before?.sinceAt ?? now(),
    untilAt: now() + backoffMs(failures, random, outage),
    failures,
  });
  if (before === null) log("warn", "", `${label}: ${reason}: its bans wait in the journal and are retried`);
}
