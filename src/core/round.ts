import { applySteps, left } from "./apply.ts";
import type { Applied, Fate, Fates } from "./apply.ts";
import { learnRoom } from "./crowd.ts";
import type { Delivery } from "./deliver.ts";
import { noteOutages } from "./outages.ts";
import { plan } from "./plan.ts";
import type { Step } from "./plan.ts";
import type { Due } from "./journal.ts";
import type { Blocklist } from "./ports.ts";
import { settleRound } from "./settle.ts";
import { poolOf } from "./trouble.ts";
import type { Opened } from "./trouble.ts";

/** What outweighs what when a network fares differently at several places. */
const weights = { left: 0, full: 1, paused: 2, failed: 3 } as const satisfies Record<Fate["kind"], number>;

export interface Round extends Opened {
  readonly due: readonly Due[];
  /** How many steps a place may make. */
  limitOf(place: Blocklist): number;
}

type Planned = readonly (readonly [step: Step, due: Due])[];

/**
 * Delivers what is due, new blocks first: a network leaves a place only when it is at every place where it is wanted,
 * so that one that moves is never without a block.
 */
export async function deliverRound(delivery: Delivery, round: Round, signal: AbortSignal): Promise<void> {
  const { places, former } = round;
  const visits = [...places, ...former].map((place) => ({ place, planned: planned(delivery, round, place) }));
  const additions = await Promise.all(
    visits
      .slice(0, places.length)
      .map(({ place, planned }) =>
        stepsAt(delivery, round, { place, planned: planned.filter(([step]) => isAddition(step)) }, signal),
      ),
  );
  const soFar = worst(additions.map(({ fates }) => fates));
  const pool = poolOf(round);
  // Before anything leaves: what is there now is what fits.
  if (pool !== null && [...soFar.values()].some(({ kind }) => kind === "full"))
    await learnRoom(delivery, pool);
  const removals = await Promise.all(
    visits.map(({ place, planned }, index) => {
      const leaving = planned.filter(
        ([step, due]) => !isAddition(step) && mayLeave(delivery, round, { due, place, soFar }),
      );
      if (additions[index]?.stopped === true) return untouched(leaving, left);
      return stepsAt(delivery, round, { place, planned: leaving }, signal);
    }),
  );
  const applied = [...additions, ...removals];
  const fates = worst(applied.map((each) => each.fates));
  const worked = applied.some((each) => each.worked);
  await settleRound(delivery, round, { fates, worked });
  const visited = visits.map(({ place }, index) => {
    return { place, applied: [additions[index], removals[index]].filter((each) => each !== undefined) };
  });
  await noteOutages(delivery, round, visited);
}

function planned({ profilesOf }: Delivery, { due }: Pick<Round, "due">, { place, mode }: Blocklist): Planned {
  const site = { place, mode, profiles: profilesOf(place) };
  return due.flatMap((one) => {
    const step = plan(one, site);
    return step === null ? [] : [[step, one] as const];
  });
}

/**
 * Plans again, once its turn has come, where another profile may have been at work since. What has turned from an
 * addition into a removal, or back, is for another round.
 */
async function replanned(
  delivery: Delivery,
  place: Blocklist,
  before: Planned,
): Promise<{ readonly steps: Planned; readonly turned: Planned }> {
  const { journal, profilesOf } = delivery;
  if (before.length === 0 || profilesOf(place.place).size < 2) return { steps: before, turned: [] };
  const now = await journal.standing(before.map(([, { pending }]) => pending.network.text));
  const due = before.map(([, one], index) => ({ ...one, ...now[index] }));
  const after = planned(delivery, { due }, place);
  const adding = before.some(([step]) => isAddition(step));
  return {
    steps: after.filter(([step]) => isAddition(step) === adding),
    turned: after.filter(([step]) => isAddition(step) !== adding),
  };
}

async function stepsAt(
  delivery: Delivery,
  { pausedUntilAt, limitOf }: Round,
  { place, planned }: { readonly place: Blocklist; readonly planned: Planned },
  signal: AbortSignal,
): Promise<Applied> {
  const untilAt = pausedUntilAt.get(place);
  if (untilAt !== undefined) return untouched(planned, { kind: "paused", untilAt });
  const limit = limitOf(place);
  return delivery.turnsAt(place.place)(async () => {
    const { steps, turned } = await replanned(delivery, place, planned.slice(0, limit));
    const generations = new Map(steps.map(([step, { pending }]) => [step, pending.generation]));
    const applied = await applySteps(delivery, place, generations, signal);
    const untried = untouched([...turned, ...planned.slice(limit)], left);
    return { ...applied, fates: worst([applied.fates, untried.fates]) };
  });
}

function untouched(planned: Planned, fate: Fate): Applied {
  const fates = new Map(planned.map(([, { pending }]) => [pending.generation, fate]));
  return { fates, worked: false, stopped: false };
}

/** Whether a network can be taken away from a place: nobody wants it anywhere, or it is wherever it is wanted. */
function mayLeave(
  { profilesOf }: Delivery,
  { places, missingUntilAt }: Round,
  { due, place, soFar }: { readonly due: Due; readonly place: Blocklist; readonly soFar: Fates },
): boolean {
  const wanted = due.wants.some(
    ({ profile, outside }) => !outside && places.some((one) => profilesOf(one.place).has(profile)),
  );
  if (!wanted) return true;
  const fate = soFar.get(due.pending.generation);
  if (fate === undefined) return missingUntilAt === null;
  // Where all lists are full, one can only come into another list when it has left the first.
  return fate.kind === "full" && places.some(({ pool }) => pool !== null && pool.name === place.pool?.name);
}

/** A network fares as at the place where it fares worst. */
function worst(all: readonly Fates[]): Fates {
  const merged = new Map<number, Fate>();
  for (const [generation, fate] of all.flatMap((fates) => [...fates])) {
    const before = merged.get(generation);
    if (before === undefined || weights[fate.kind] > weights[before.kind]) merged.set(generation, fate);
  }
  return merged;
}

function isAddition({ kind }: Step): boolean {
  return kind === "add" || kind === "change";
}
