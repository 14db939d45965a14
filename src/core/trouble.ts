import { Failure } from "../errors.ts";
import type { Delivery } from "./deliver.ts";
import { pausedUntil } from "./gate.ts";
import type { Asked } from "./call-ledger.ts";
import type { Blocklist, Pool, Profile } from "./ports.ts";

/** How long we leave a credential or a place alone that Cloudflare rejects. */
export const rejectedMs = 300_000;

/** What a pause of the whole profile is filed under, beside those of its places. */
const credentialLabel = "credential";

/** When calls for a profile are possible, milliseconds since 1970; not after now: at once. */
export async function openAt({ journal, profile, gate, now }: Delivery): Promise<number> {
  const pause = await journal.pause(subjectOf(profile, credentialLabel));
  return Math.max(await gate.openAt(), pausedUntil(pause, now()));
}

export interface Opened {
  readonly places: readonly Blocklist[];
  readonly former: readonly Blocklist[];
  /** Places that are left alone until a moment. */
  readonly pausedUntilAt: ReadonlyMap<Blocklist, number>;
  /** When a place is looked for again that is not found, or rules are made that could not be; null: all is there. */
  readonly missingUntilAt: number | null;
}

/** The places of a profile; null, and noted, when there can be none now. */
export async function openPlaces(delivery: Delivery): Promise<Opened | null> {
  const { journal, profile, now } = delivery;
  try {
    const { places, former, troubles } = await profile.open();
    const missing: number[] = [];
    for (const { label, failure } of troubles) {
      await journal.failed(askedAt(delivery, { label, place: null }), messageOf(failure), now());
      missing.push(await noteTrouble(delivery, label, failure));
    }
    const pausedUntilAt = new Map<Blocklist, number>();
    for (const place of [...places, ...former]) {
      const untilAt = pausedUntil(await journal.pause(subjectOf(profile, place.label)), now());
      if (untilAt > now()) pausedUntilAt.set(place, untilAt);
    }
    return {
      places,
      former,
      pausedUntilAt,
      missingUntilAt: missing.length > 0 ? Math.min(...missing) : null,
    };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    await journal.failed(askedAt(delivery, { label: credentialLabel, place: null }), error.message, now());
    if (error.kind === "unavailable") await noteOutage(delivery, error.message);
    else await noteTrouble(delivery, credentialLabel, error);
    return null;
  }
}

/** What the places of a profile share; null: they have room for all. */
export function poolOf({ places }: Opened): Pool | null {
  return places.find((place) => place.pool !== null)?.pool ?? null;
}

/** Said once an outage, not at every try. */
export async function noteOutage({ gate, log }: Delivery, reason: string): Promise<void> {
  if (await gate.failed(reason)) log("warn", "", `${reason}: bans wait in the journal and are retried`);
}

/** Leaves a place, or the credential, alone for a while; returns until when: a pause that still runs is not made longer. */
export async function noteTrouble(
  { journal, profile, now, log }: Delivery,
  label: string,
  failure: unknown,
): Promise<number> {
  if (!(failure instanceof Failure)) throw failure;
  const subject = subjectOf(profile, label);
  const before = await journal.pause(subject);
  const kind =
    failure.kind === "config" ? "config" : failure.kind === "unavailable" ? "unavailable" : "rejected";
  if (before === null || before.reason !== failure.summary) log("warn", "", failure.summary);
  const pausedUntilAt = pausedUntil(before, now());
  if (pausedUntilAt > now() && before?.kind === kind) return pausedUntilAt;
  const untilAt = now() + rejectedMs;
  await journal.setPause(subject, {
    kind,
    reason: failure.summary,
    sinceAt: before?.kind === kind ? before.sinceAt : now(),
    untilAt,
    failures: (before?.failures ?? 0) + 1,
  });
  return untilAt;
}

/** Whom a delivery asks, for the record of how it went. */
export function askedAt({ profile }: Delivery, { label, place }: Pick<Asked, "label" | "place">): Asked {
  return { profile: profile.name, credential: profile.credential, label, place };
}

/** What a failure says, without its hint. */
export function messageOf(failure: unknown): string {
  return failure instanceof Failure ? failure.message : String(failure);
}

/** What a pause of a profile's place is filed under. */
export function subjectOf(profile: Pick<Profile, "name">, label: string): string {
  return `profile:${profile.name}/${label}`;
}
