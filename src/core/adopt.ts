import { Failure } from "../errors.ts";
import { readAddress } from "./address.ts";
import { openPlaces } from "./trouble.ts";
import type { Delivery } from "./deliver.ts";
import { strictest } from "./hold.ts";
import type { Known, Site, Wanted } from "./journal.ts";
import type { Blocklist, Leftover, Leftovers, Takeover } from "./ports.ts";

type Adoption = Extract<Takeover, { kind: "change" }>;

/** What is to become of what fail2ban's own actions left at a place. */
export interface Verdict {
  /** Some jail of ours holds it: it becomes ours as it stands. */
  readonly live: readonly (Leftover & { readonly adoption: Adoption })[];
  /** Some jail of ours holds the address, and blocks another network for it. */
  readonly replaced: readonly Leftover[];
  /** Left by a jail that is ours now, which does not hold it. */
  readonly stale: readonly Leftover[];
  /** Left by a jail that is not ours. */
  readonly others: readonly Leftover[];
}

/** Judges leftovers; `jails` are those that fail2ban knows and that are ours now. */
export function judge(
  leftovers: readonly Leftover[],
  wanted: readonly Wanted[],
  { profiles }: Pick<Site, "profiles">,
  jails: ReadonlySet<string>,
): Verdict {
  const here = wanted.filter(({ profile }) => profiles.has(profile));
  const wants = Map.groupBy(here, ({ network }) => network);
  const ours = leftovers.filter(({ jail }) => jails.has(jail));
  const live = ours.flatMap((leftover) => {
    const held = wants.get(leftover.network) ?? [];
    const mode = strictest(held.map((want) => want.mode));
    const jail = held.findLast((want) => want.mode === mode)?.jail;
    const network = readAddress(leftover.network);
    if (mode === null || jail === undefined || network === null) return [];
    return [{ ...leftover, adoption: { kind: "change", network, mode, jail, id: leftover.id } as const }];
  });
  const alive = new Set(live.map(({ id }) => id));
  const dead = ours.filter(({ id }) => !alive.has(id));
  const addresses = new Set(here.map(({ address }) => address));
  return {
    live,
    replaced: dead.filter(({ network }) => addresses.has(network)),
    stale: dead.filter(({ network }) => !addresses.has(network)),
    others: leftovers.filter(({ jail }) => !jails.has(jail)),
  };
}

/** A place with leftovers, and what is to become of them. */
export interface Judged {
  readonly delivery: Delivery;
  readonly place: Blocklist;
  readonly leftovers: Leftovers;
  readonly verdict: Verdict;
}

/** Looks through the places of the deliveries for leftovers; each place is judged once. */
export async function judgePlaces(
  deliveries: readonly Delivery[],
  wanted: readonly Wanted[],
  jails: ReadonlySet<string>,
): Promise<readonly Judged[]> {
  const judged = new Map<string, Judged>();
  for (const delivery of deliveries) {
    const opened = await openPlaces(delivery);
    for (const place of opened?.places ?? []) {
      const { leftovers } = place;
      if (leftovers === undefined || judged.has(place.place)) continue;
      const site = { profiles: delivery.profilesOf(place.place) };
      const verdict = judge(await Array.fromAsync(leftovers.list()), wanted, site, jails);
      judged.set(place.place, { delivery, place, leftovers, verdict });
    }
  }
  return [...judged.values()];
}

/** Has the journal know what is to be taken over: until it is, it blocks as it stands, and costs no call. */
export async function announce({ delivery: { journal, profile }, place, verdict }: Judged): Promise<void> {
  const known = verdict.live.map(({ network, id, mode }) => ({ network, row: { id, mode, owned: false } }));
  await journal.record(place.place, profile.name, known);
}

/** Makes ours what some jail of ours holds. */
export async function adopt(judged: Judged, signal: AbortSignal): Promise<void> {
  const steps = judged.verdict.live.map(({ adoption }) => adoption);
  await takeOver(judged, steps, signal);
}

export async function removeLeftovers(
  judged: Judged,
  leftovers: readonly Leftover[],
  signal: AbortSignal,
): Promise<void> {
  const steps = leftovers.flatMap(({ network: text, id }) => {
    const network = readAddress(text);
    return network === null ? [] : [{ kind: "remove", network, id } as const];
  });
  await takeOver(judged, steps, signal);
}

async function takeOver(
  { delivery: { journal, profile, now }, place, leftovers }: Judged,
  steps: readonly Takeover[],
  signal: AbortSignal,
): Promise<void> {
  if (steps.length === 0) return;
  const stop = new AbortController();
  const known: Known[] = [];
  let failure: unknown = null;
  const networks = steps.map(({ network }) => network.text);
  // Should it be killed, the next courier looks at them.
  await journal.recheck(profile.name, networks, now());
  await journal.begin(place.place, profile.name, networks);
  for await (const settled of leftovers.apply(steps, AbortSignal.any([signal, stop.signal]))) {
    if ("failure" in settled) {
      failure = settled.failure;
      stop.abort();
    } else known.push({ network: settled.change.network.text, row: settled.row });
  }
  // What is not there any more may be wanted, by a ban that has come meanwhile too.
  const gone = known.filter(({ row }) => row === null).map(({ network }) => network);
  await journal.recheck(profile.name, gone, now());
  await journal.record(place.place, profile.name, known);
  if (known.length === steps.length) return;
  if (failure !== null && !(failure instanceof Failure)) throw failure;
  const why = failure === null ? "interrupted" : failure.message;
  const state = `${known.length} of ${steps.length} are done: ${why}`;
  throw new Failure(failure?.kind ?? "unavailable", `Cannot take over ${place.label} now: ${state}`, {
    hint: "run it again: fail2ban-cloudflare sync --adopt",
    cause: failure,
  });
}
