import { Failure } from "../errors.ts";
import type { Delivery } from "./deliver.ts";
import type { Step } from "./plan.ts";
import type { Known } from "./journal.ts";
import type { Blocklist, Change, Settled } from "./ports.ts";
import { askedAt, noteTrouble, subjectOf } from "./trouble.ts";

/** Outcomes of single calls written to the journal together, so that a storm does not cost one fsync each. */
const recordedAtOnce = 16;

/** Why a network is not done: "left" when a step was not made, and is due still; "full" when there was no room for it. */
export type Fate =
  | { readonly kind: "left" | "full" }
  | { readonly kind: "paused"; readonly untilAt: number }
  | { readonly kind: "failed"; readonly failure: unknown };

/** The networks of a round that are not done, by generation. */
export type Fates = ReadonlyMap<number, Fate>;

export const left: Fate = { kind: "left" };

export interface Applied {
  readonly fates: Fates;
  /** Whether Cloudflare did anything. */
  readonly worked: boolean;
  /** Whether no more is to be asked of this place now. */
  readonly stopped: boolean;
}

/**
 * Makes steps at one place, each of them for a generation, and records what comes of them. While calls of one profile
 * are under way, no other may plan or find out what stands there: what it records would hide that they are.
 */
export async function applySteps(
  delivery: Delivery,
  place: Blocklist,
  steps: ReadonlyMap<Step, number>,
  signal: AbortSignal,
): Promise<Applied> {
  const { journal, profile, profilesOf, now } = delivery;
  const all = [...steps.keys()].filter((step): step is Change => step.kind !== "forget");
  // One call shows whether a place that has failed or rejected us does so still.
  const pause = await journal.pause(subjectOf(profile, place.label));
  const changes = pause === null ? all : all.slice(0, 1);
  const forgotten = [...steps.keys()].filter(({ kind }) => kind === "forget");
  const record = async (known: readonly Known[]): Promise<void> => {
    if (known.length > 0) await journal.record(place.place, profile.name, known);
  };
  await record(forgotten.map(({ network }) => ({ network: network.text, row: null })));
  const networks = changes.map(({ network }) => network.text);
  if (networks.length > 0 && !signal.aborted) await journal.begin(place.place, profile.name, networks);
  const fates = new Map<number, Fate>(all.map((change) => [steps.get(change) ?? 0, left]));

  const stop = new AbortController();
  const done: string[] = [];
  let failure: unknown = null;
  let buffer: Settled[] = [];
  const flush = async (): Promise<void> => {
    const settled = buffer;
    buffer = [];
    await record(settled.flatMap(knownOf));
  };
  for await (const settled of place.apply(changes, AbortSignal.any([signal, stop.signal]))) {
    const generation = steps.get(settled.change) ?? 0;
    if ("failure" in settled) {
      failure = settled.failure;
      fates.set(generation, { kind: "failed", failure });
      if (await noteFailure(delivery, place.label, failure)) stop.abort();
    } else {
      done.push(settled.change.network.text);
      if (settled.outcome === "full") fates.set(generation, { kind: "full" });
      else fates.delete(generation);
      sayOutcome(delivery, place.label, settled);
    }
    buffer.push(settled);
    if (buffer.length >= Math.max(recordedAtOnce, place.atOnce)) await flush();
  }
  await flush();
  if (failure instanceof Failure) await journal.failed(askedAt(delivery, place), failure.message, now());
  const worked = done.length > 0;
  if (worked) {
    // Another profile may have looked at them while the calls were under way.
    for (const other of profilesOf(place.place)) {
      if (other !== profile.name) await journal.recheck(other, done, now());
    }
    await journal.succeeded(askedAt(delivery, place), now());
    if (pause?.kind === "unavailable") delivery.log("info", "", `${place.label} answers again`);
    await journal.setPause(subjectOf(profile, place.label), null);
  }
  return { fates, worked, stopped: stop.signal.aborted };
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

function sayOutcome(
  { log }: Delivery,
  label: string,
  { change, outcome, row }: Extract<Settled, { outcome: unknown }>,
): void {
  if (outcome === "full") return;
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
