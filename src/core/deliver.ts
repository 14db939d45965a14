import { Failure } from "../errors.ts";
import { backoffMs } from "./backoff.ts";
import type { Gate } from "./gate.ts";
import { plan } from "./plan.ts";
import type { Step } from "./plan.ts";
import type { Blocklist, Change, CourierJournal, Due, Known, Profile, Settled } from "./ports.ts";

/** Networks delivered in one round: few enough that a newer ban does not wait long behind them. */
const mostAtOnce = 64;

/** Outcomes written to the journal together, so that a storm does not cost one fsync each. */
const recordedAtOnce = 16;

/** Waits of one network whose calls fail while others work. */
const retry = { baseMs: 1_000, capMs: 300_000 };

/** How long we leave a credential or a place alone that Cloudflare rejects. */
export const rejectedMs = 300_000;

/** What a pause of the whole profile is filed under, beside those of its places. */
const credentialLabel = "credential";

export interface Delivery {
  readonly journal: CourierJournal;
  readonly profile: Profile;
  readonly gate: Gate;
  /** The profiles that block at a place; none: it has left the configuration. */
  readonly profilesOf: (place: string) => ReadonlySet<string>;
  now(): number;
  random(): number;
  log(level: "info" | "warn", jail: string, message: string): void;
}

/** Delivers what is due of a profile until nothing is, or until Cloudflare is to be left alone for a while. */
export async function drain(delivery: Delivery, signal: AbortSignal): Promise<void> {
  const { journal, profile, gate, now } = delivery;
  while (!signal.aborted && (await openAt(delivery)) <= now()) {
    const due = await journal.due(profile.name, now(), await gate.room(mostAtOnce));
    if (due.length === 0) return;
    const opened = await openPlaces(delivery);
    if (opened === null) return;
    await deliverRound(delivery, due, opened, signal);
  }
}

/** When calls for a profile are possible, milliseconds since 1970; not after now: at once. */
export async function openAt({ journal, profile, gate }: Delivery): Promise<number> {
  const pause = await journal.pause(subjectOf(profile, credentialLabel));
  return Math.max(await gate.openAt(), pause?.untilAt ?? 0);
}

export interface Opened {
  readonly places: readonly Blocklist[];
  readonly former: readonly Blocklist[];
  /** When the earliest of the places that cannot be used is tried again; null: all can be used. */
  readonly blockedUntilAt: number | null;
}

export async function openPlaces(delivery: Delivery): Promise<Opened | null> {
  const { journal, profile, now } = delivery;
  try {
    const { places, former, troubles } = await profile.open();
    for (const { label, failure } of troubles) await noteTrouble(delivery, label, failure);
    const pauses = await Promise.all(places.map(({ label }) => journal.pause(subjectOf(profile, label))));
    const usable = places.filter((_, index) => (pauses[index]?.untilAt ?? 0) <= now());
    const ends = [
      ...pauses.map((pause) => pause?.untilAt ?? 0).filter((untilAt) => untilAt > now()),
      ...troubles.map(() => now() + rejectedMs),
    ];
    return { places: usable, former, blockedUntilAt: ends.length === 0 ? null : Math.min(...ends) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.kind === "unavailable") await noteOutage(delivery, error.message);
    else await noteTrouble(delivery, credentialLabel, error);
    return null;
  }
}

/** How each generation of a round fares: a failure, or `left` where a step was not made. */
type Fates = Map<number, unknown>;
const left = Symbol("left");

async function deliverRound(
  delivery: Delivery,
  due: readonly Due[],
  { places, former, blockedUntilAt }: Opened,
  signal: AbortSignal,
): Promise<void> {
  const { journal, profile, gate } = delivery;
  const results = await Promise.all(places.map((place) => deliverAt(delivery, due, place, signal)));
  const filled = blockedUntilAt === null && results.every(({ fates }) => fates.size === 0);
  if (filled) for (const place of former) results.push(await deliverAt(delivery, due, place, signal));
  const worked = results.some((result) => result.worked);
  const fates = mergeFates(results.map((result) => result.fates));
  const done = due.filter(({ pending }) => !fates.has(pending.generation) && blockedUntilAt === null);
  await journal.settle(done.map(({ pending }) => pending.generation));
  let unavailable: string | null = null;
  for (const { pending } of due) {
    const fate = fates.get(pending.generation);
    if (fate === left) continue;
    if (fate === undefined) {
      if (blockedUntilAt !== null)
        await journal.retry(pending.generation, blockedUntilAt, "a place cannot be used");
      continue;
    }
    if (await giveFate(delivery, pending, fate)) unavailable = messageOf(fate);
  }
  if (worked && (await gate.worked())) {
    delivery.log("info", "", "Cloudflare answers again");
    await journal.hurry(profile.name);
  }
  if (!worked && unavailable !== null) await noteOutage(delivery, unavailable);
}

/** A network fares as at the place where it fares worst: a failure before a step left out. */
function mergeFates(all: readonly Fates[]): Fates {
  const merged: Fates = new Map();
  for (const [generation, fate] of all.flatMap((fates) => [...fates])) {
    if (fate !== left || !merged.has(generation)) merged.set(generation, fate);
  }
  return merged;
}

/** Notes how a failed network goes on; true when Cloudflare could not be reached. */
async function giveFate(
  { journal, now, random, log }: Delivery,
  pending: Due["pending"],
  fate: unknown,
): Promise<boolean> {
  if (!(fate instanceof Failure)) throw fate;
  if (fate.kind === "refused") {
    await journal.park(pending.generation, fate.summary);
    log("warn", "", `Parked ${pending.network.text}: ${fate.summary}`);
    return false;
  }
  const waitMs =
    fate.retryAfterMs ??
    (fate.kind === "unavailable" ? backoffMs(pending.attempts + 1, random, retry) : rejectedMs);
  await journal.retry(pending.generation, now() + Math.min(waitMs, rejectedMs), fate.message);
  return fate.kind === "unavailable";
}

/** Makes the round's steps at one place. */
async function deliverAt(
  delivery: Delivery,
  due: readonly Due[],
  place: Blocklist,
  signal: AbortSignal,
): Promise<{ readonly worked: boolean; readonly fates: Fates }> {
  const { journal, profile, profilesOf } = delivery;
  const site = { place: place.place, profiles: profilesOf(place.place) };
  const steps = new Map<Step, number>();
  for (const one of due) {
    const step = plan(one, site);
    if (step !== null) steps.set(step, one.pending.generation);
  }
  const changes = [...steps.keys()].filter((step): step is Change => step.kind !== "forget");
  const forgotten = [...steps.keys()].filter(({ kind }) => kind === "forget");
  await journal.record(
    place.place,
    profile.name,
    forgotten.map(({ network }) => ({ network: network.text, row: null })),
  );
  await journal.begin(
    place.place,
    profile.name,
    changes.filter(({ kind }) => kind === "add").map(({ network }) => network.text),
  );
  const fates: Fates = new Map(changes.map((change) => [steps.get(change) ?? 0, left]));

  const stop = new AbortController();
  let worked = false;
  let buffer: Settled[] = [];
  const flush = async (): Promise<void> => {
    const settled = buffer;
    buffer = [];
    await journal.record(place.place, profile.name, settled.flatMap(knownOf));
  };
  for await (const settled of place.apply(changes, AbortSignal.any([signal, stop.signal]))) {
    const generation = steps.get(settled.change) ?? 0;
    if ("failure" in settled) {
      fates.set(generation, settled.failure);
      if (await noteFailure(delivery, place.label, settled.failure)) stop.abort();
    } else {
      worked = true;
      fates.delete(generation);
      sayOutcome(delivery, place.label, settled);
    }
    buffer.push(settled);
    if (buffer.length >= recordedAtOnce) await flush();
  }
  await flush();
  if (worked) await journal.setPause(subjectOf(profile, place.label), null);
  return { worked, fates };
}

/** What the journal is to know after a step. A refused addition is not there; after any other failure it may be. */
function knownOf(settled: Settled): Known[] {
  const network = settled.change.network.text;
  if ("outcome" in settled) return [{ network, row: settled.row }];
  const refused = settled.failure instanceof Failure && settled.failure.kind === "refused";
  return refused && settled.change.kind === "add" ? [{ network, row: null }] : [];
}

/** Pauses a place that rejects us; true when no more calls are to be made there now. */
async function noteFailure(delivery: Delivery, label: string, failure: unknown): Promise<boolean> {
  if (!(failure instanceof Failure) || failure.kind === "refused") return false;
  if (failure.kind !== "unavailable") await noteTrouble(delivery, label, failure);
  return true;
}

/** Said once an outage, not at every try. */
async function noteOutage({ gate, log }: Delivery, reason: string): Promise<void> {
  if (await gate.failed(reason)) log("warn", "", `${reason}: bans wait in the journal and are retried`);
}

async function noteTrouble(
  { journal, profile, now, log }: Delivery,
  label: string,
  failure: unknown,
): Promise<void> {
  if (!(failure instanceof Failure)) throw failure;
  const subject = subjectOf(profile, label);
  const before = await journal.pause(subject);
  const kind =
    failure.kind === "config" ? "config" : failure.kind === "unavailable" ? "unavailable" : "rejected";
  if (before === null || before.reason !== failure.summary) log("warn", "", failure.summary);
  await journal.setPause(subject, {
    kind,
    reason: failure.summary,
    sinceAt: before?.kind === kind ? before.sinceAt : now(),
    untilAt: now() + rejectedMs,
    failures: (before?.failures ?? 0) + 1,
  });
}

function sayOutcome(
  { log }: Delivery,
  label: string,
  { change, outcome, row }: Extract<Settled, { outcome: unknown }>,
): void {
  const { text } = change.network;
  const jail = "jail" in change ? change.jail : "";
  if (row !== null && !row.owned) {
    log(
      "warn",
      jail,
      `${text} has somebody else's rule (${row.mode ?? "unknown mode"}) at ${label}: left as it is`,
    );
    return;
  }
  const verb = change.kind === "remove" ? "Unban" : "Ban";
  log("info", jail, `${verb} ${text} at ${label}: ${outcome}${row?.id == null ? "" : ` (${row.id})`}`);
}

/** What a pause of a profile's place is filed under. */
export function subjectOf(profile: Profile, label: string): string {
  return `profile:${profile.name}/${label}`;
}

function messageOf(failure: unknown): string {
  return failure instanceof Failure ? failure.message : String(failure);
}
