import type { NamedZone } from "../cloudflare/zones.ts";
import type { Config, ProfileConfig } from "../config.ts";
import type { Courier } from "../core/courier.ts";
import type { Delivery } from "../core/deliver.ts";
import { gate, pausedUntil } from "../core/gate.ts";
import type { Gate } from "../core/gate.ts";
import type { OpenPlaces } from "../core/ports.ts";
import { subjectOf } from "../core/trouble.ts";
import type { Turns } from "../core/turns.ts";
import { readCredential } from "../credential.ts";
import type { FoundCredential } from "../credential.ts";
import { Failure } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { client, hardStop } from "./client.ts";
import { idsOf, knownIds } from "./ids.ts";
import { lastMet, noticeChange, noticeZone } from "./moved.ts";
import { findPlaces, formerPlace, placesKnown } from "./places.ts";

export interface WireOptions<Kept = Courier["journal"]> {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly journal: Kept;
  readonly log: Log;
}

/** What the profiles of a configuration have in common. */
export interface Shared {
  /** The profiles that block at a place. */
  readonly users: Map<string, Set<string>>;
  /** By credential: two gates would each book what is left of its budget. */
  readonly gates: Map<string, Gate>;
  turnsOf(account: string): Turns;
  turnsAt(place: string): Turns;
}

/** The delivery of one profile. A credential that cannot be read is said when a call is to be made. */
export async function wireProfile(
  options: WireOptions,
  profile: ProfileConfig,
  { users, gates, turnsOf, turnsAt }: Shared,
): Promise<Delivery> {
  const { runtime, config, journal, log } = options;
  const found = tryCredential(runtime, config, profile);
  const fingerprint = found instanceof Failure ? `none-${profile.name}` : found.fingerprint;
  if (!(found instanceof Failure) && found.warning !== null) log("warn", "", found.warning);
  const { now, random } = runtime;
  const door = gates.getOrInsertComputed(fingerprint, () =>
    gate(journal, { credential: fingerprint, budget: config.budget, now, random }),
  );
  await noticeChange(options, profile, fingerprint);
  const share = (place: string): void =>
    void users.getOrInsertComputed(place, () => new Set()).add(profile.name);
  const remembered = knownIds(journal, fingerprint);
  // Before any place is opened: another profile's delivery to the same place must count this one's holds.
  for (const place of await placesKnown(profile, remembered)) share(place);
  let opened: Promise<OpenPlaces> | null = null;
  async function open(): Promise<OpenPlaces> {
    if (found instanceof Failure) throw found;
    const { credential } = found;
    const call = client({ runtime, config, credential, gate: door, hardStop: hardStop(runtime) });
    const ids = idsOf(journal, fingerprint, call);
    const provisioning = "when missing";
    const paused = async (label: string): Promise<Failure | null> => {
      const pause = await journal.pause(subjectOf(profile, label));
      const isPaused = pausedUntil(pause, now()) > now();
      return pause !== null && isPaused ? new Failure(pause.kind, pause.reason) : null;
    };
    const mended = async (label: string): Promise<void> => {
      const subject = subjectOf(profile, label);
      if ((await journal.pause(subject)) === null) return;
      await journal.setPause(subject, null);
      await journal.succeeded({ profile: profile.name, credential: fingerprint, label, place: null }, now());
    };
    const search = {
      runtime,
      config,
      profile,
      journal,
      call,
      ids,
      log,
      turnsOf,
      paused,
      mended,
      lastMet: (name: string) => lastMet(journal, profile, name),
      met: (zone: NamedZone) => noticeZone(options, profile, zone),
      provisioning,
    } as const;
    const { places, troubles } = await findPlaces(search);
    for (const { place } of places) share(place);
    const current = new Set(places.map(({ place }) => place));
    const left = (await journal.placesOf(profile.name)).filter((place) => !current.has(place));
    const former = troubles.length > 0 ? [] : left.map((place) => formerPlace(search, place));
    return { places, former, troubles };
  }
  /** Whether there is nothing to look up since the places were opened. */
  async function isCurrent({ places, troubles }: OpenPlaces): Promise<boolean> {
    if (profile.list !== null) return troubles.length === 0;
    const names = new Set(places.map(({ place }) => place));
    const known = await placesKnown(profile, remembered);
    const refused = await Promise.all(profile.zones.map((name) => remembered.isRefused("zone", name)));
    return troubles.length === 0 && known.every((place) => names.has(place)) && !refused.includes(true);
  }
  return {
    journal,
    gate: door,
    profile: {
      name: profile.name,
      credential: fingerprint,
      async open() {
        try {
          if (opened !== null && !(await isCurrent(await opened))) opened = null;
          return await (opened ??= open());
        } catch (error) {
          opened = null;
          throw error;
        }
      },
    },
    profilesOf: (place) => users.get(place) ?? new Set(),
    placesIn: (pool) => new Map([...users].filter(([place]) => place.startsWith(`${pool}:`))),
    turnsAt,
    now,
    random,
    log,
  };
}

function tryCredential(runtime: Runtime, config: Config, profile: ProfileConfig): FoundCredential | Failure {
  try {
    return readCredential(runtime, config, profile);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}
