import { Failure } from "../errors.ts";
import { readAddress } from "./address.ts";
import type { Courier } from "./courier.ts";
import type { Delivery } from "./deliver.ts";
import type { Known } from "./journal.ts";
import type { Blocklist, Entry } from "./ports.ts";

/**
 * Removes all of ours at every place of every profile, and forgets every hold. Waits while Cloudflare or the budget
 * wants it to. Throws where something may be left: what was removed is then pending again.
 */
export async function purge(courier: Courier, signal: AbortSignal): Promise<void> {
  const { journal, deliveries, now } = courier;
  const recheckAll = async (): Promise<void> => {
    for (const { profile } of deliveries) await journal.recheck(profile.name, "all", now());
  };
  try {
    const opened = await Promise.all(deliveries.map((delivery) => open(courier, delivery, signal)));
    const sites = [...opened.flatMap(({ current }) => current), ...opened.flatMap(({ former }) => former)];
    // Reversed, so that of two ways to a place the one that the configuration names counts.
    const reachable = new Map(sites.toReversed().map((site) => [site.place.place, site]));
    await refuseStrays(courier, reachable);
    // Should it be killed, the next courier looks at everything.
    await recheckAll();
    for (const site of reachable.values()) await site.patiently(() => empty(site, signal));
  } catch (error) {
    await recheckAll();
    throw error;
  }
  await journal.forgetAll();
}

/** A place, and the profile whose credential reaches it. */
interface Site {
  readonly delivery: Delivery;
  readonly place: Blocklist;
  readonly patiently: <T>(work: () => Promise<T>) => Promise<T>;
}

/** The places of a profile; none where it cannot be used and never was. */
async function open(
  courier: Courier,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<{ readonly current: readonly Site[]; readonly former: readonly Site[] }> {
  const { journal, profile, gate, log } = delivery;
  const patiently = patience(courier, delivery, signal);
  const site = (place: Blocklist): Site => ({ delivery, place, patiently });
  try {
    await gate.hurry();
    const { places, former, troubles } = await patiently(() => profile.open());
    if (troubles[0] !== undefined) throw troubles[0].failure;
    return { current: places.map(site), former: former.map(site) };
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== "config") throw error;
    if ((await journal.placesOf(profile.name)).length > 0) throw error;
    log("warn", "", `Nothing of ours is known at Cloudflare, and it was not asked: ${error.message}`);
    return { current: [], former: [] };
  }
}

/** Fails where something of ours is at a place that only a profile of the past could reach. */
async function refuseStrays(
  { journal, deliveries }: Courier,
  reachable: ReadonlyMap<string, Site>,
): Promise<void> {
  const known = await journal.placesBeside(deliveries.map(({ profile }) => profile.name));
  const stray = known.find(({ place }) => !reachable.has(place));
  if (stray === undefined) return;
  throw new Failure(
    "config",
    `Cannot remove our rules at ${stray.place}: profile "${stray.profile}" has left the configuration`,
    { hint: `put [profiles.${stray.profile}] back, or uninstall without --purge` },
  );
}

/** Leaves nothing of ours at a place. One that Cloudflare does not know any more has taken its rules with it. */
async function empty(site: Site, signal: AbortSignal): Promise<void> {
  const { log } = site.delivery;
  try {
    const removed = await removeAll(site, signal);
    if (removed > 0) log("info", "", `Removed all of ours at ${site.place.label}: ${removed}`);
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== "config") throw error;
    log("warn", "", `Left out ${site.place.label}: ${error.message}`);
  }
}

/** Looks again after each round until nothing new is found: pages move when others remove rules too. */
async function removeAll(site: Site, signal: AbortSignal): Promise<number> {
  const gone = new Set<string | null>();
  for (;;) {
    const entries = await Array.fromAsync(site.place.entries({ foreign: false }));
    const left = entries.filter(({ id }) => !gone.has(id));
    if (left.length === 0) return gone.size;
    await remove(site, left, signal);
    for (const { id } of left) gone.add(id);
  }
}

async function remove(
  { delivery: { journal, profile }, place }: Site,
  entries: readonly Entry[],
  signal: AbortSignal,
): Promise<void> {
  const changes = entries.flatMap(({ network: text, id }) => {
    const network = readAddress(text);
    return network === null ? [] : [{ kind: "remove", network, id } as const];
  });
  const stop = new AbortController();
  const known: Known[] = [];
  let failure: unknown = null;
  const networks = changes.map(({ network }) => network.text);
  await journal.begin(place.place, profile.name, networks);
  for await (const settled of place.apply(changes, AbortSignal.any([signal, stop.signal]))) {
    const failed = "failure" in settled;
    // Its answer may have been lost: whether it is still there is to be found out.
    const row = failed ? { id: null, mode: null, owned: true } : null;
    known.push({ network: settled.change.network.text, row });
    if (!failed) continue;
    failure = settled.failure;
    stop.abort();
  }
  await journal.record(place.place, profile.name, known);
  if (failure !== null) throw failure;
  if (signal.aborted) throw interrupted();
}

/** Begins a piece of work anew for as long as the gate, not the network, is what stopped it. */
function patience({ now, sleep }: Courier, { gate, log }: Delivery, signal: AbortSignal): Site["patiently"] {
  return async (work) => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const waitMs = (await gate.openAt()) - now();
        if (!(error instanceof Failure) || error.kind !== "unavailable" || waitMs <= 0) throw error;
        log("info", "", `Going on in ${Math.ceil(waitMs / 1_000)} s: ${error.message}`);
        await sleep(waitMs);
        if (signal.aborted) throw interrupted();
      }
    }
  };
}

function interrupted(): Failure {
  return new Failure("unavailable", "Interrupted", { hint: "run it again" });
}
