import { accessRules, placeOf } from "../cloudflare/access-rules.ts";
import type { Scope } from "../cloudflare/access-rules.ts";
import type { Call } from "../cloudflare/client.ts";
import type { NamedZone } from "../cloudflare/zones.ts";
import type { Config, ListConfig, ProfileConfig } from "../config.ts";
import type { FactLedger } from "../core/journal.ts";
import type { Blocklist, Pool, Trouble } from "../core/ports.ts";
import type { Turns } from "../core/turns.ts";
import { Failure } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import type { Ids } from "./ids.ts";
import { listNames, listPlace, openAccount, poolName } from "./list-places.ts";
import type { Account, Provisioner } from "./list-places.ts";
import { listProvision } from "./list-provision.ts";
import type { ListProvision } from "./list-provision.ts";
import { peersOf } from "./peers.ts";

export interface PlacesOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly profile: ProfileConfig;
  readonly journal: FactLedger;
  readonly call: Call;
  readonly ids: Ids;
  readonly log: Log;
  /** Why a place is not to be looked up now, or rules not to be renewed; null: they may be. */
  readonly paused: (label: string) => Promise<Failure | null>;
  /** The id by which the profile has last blocked in a zone of the configuration; null: it never did. */
  readonly lastMet: (name: string) => Promise<string | null>;
  /** A zone of the configuration has this id. */
  readonly met: (zone: NamedZone) => Promise<void>;
  /** Rules are as they are to be, whatever was in their way. */
  readonly mended: (label: string) => Promise<void>;
  /** Whether a list and its rules are made where they are missing. */
  readonly provisioning: "when missing" | "never";
  /** The turns of an account's bulk operations, and of the making of its rules, by their names. */
  turnsOf(name: string): Turns;
}

export interface Found {
  readonly places: readonly Blocklist[];
  readonly troubles: readonly Trouble[];
}

/** The places of a profile, looked up where needed; one that cannot be used does not hold up the others. */
export async function findPlaces(options: PlacesOptions): Promise<Found> {
  const { profile, config, call, ids } = options;
  if (profile.list !== null) return findLists(options, profile.list);
  const { scopes, troubles } = await findScopes(options);
  const places = scopes.map((scope) => {
    const about = scope.kind === "zone" ? ids.callAbout("zone", scope.name) : call;
    return accessRules({ call: about, scope, host: config.owner });
  });
  return { places, troubles };
}

/** The names of a profile's places, as far as they are known without a call. */
export async function placesKnown(profile: ProfileConfig, { known }: Pick<Ids, "known">): Promise<string[]> {
  const kind = profile.account === null ? "zone" : "account";
  const names = profile.account === null ? profile.zones : [profile.account];
  if (names.length === 0) return [placeOf({ kind: "user" })];
  const ids = await Promise.all(names.map((name) => known(kind, name)));
  const { list } = profile;
  return ids
    .filter((id) => id !== null)
    .flatMap((id) => {
      if (list === null) return [placeOf({ kind, id })];
      return listNames(profile, list).map((name) => `${poolName(id)}:${name}`);
    });
}

/** A place that the journal knows and the configuration does not name any more: only to be emptied. */
export function formerPlace(options: PlacesOptions, place: string): Blocklist {
  const { config, call } = options;
  const [kind = "", id = "", name = ""] = place.split(":");
  if (kind === "list") {
    const account = openAccount({ ...options, account: id, turns: options.turnsOf(id) });
    const pool = { name: poolName(id), capacity: async () => Infinity };
    const label = `list ${name} of account ${id}`;
    return listPlace({ account, name, label, pool, host: config.owner, provisioner: nothingToProvide });
  }
  const scope: Scope =
    kind === "account" ? { kind, id } : kind === "zone" ? { kind, id, name: id } : { kind: "user" };
  return accessRules({ call, scope, host: config.owner });
}

const nothingToProvide: Provisioner = {
  ensure: async () => {},
  outdated: async () => false,
  renew: async () => {},
  lost: async () => {},
  check: async () => [],
};

async function findLists(options: PlacesOptions, list: ListConfig): Promise<Found> {
  const places: Blocklist[] = [];
  const troubles: Trouble[] = [];
  for (const { name, provision, pool, account } of await openLists(options, list)) {
    const provisioner = options.provisioning === "never" ? nothingToProvide : provision;
    const label = `list ${name}`;
    places.push(listPlace({ account, name, label, pool, host: options.config.owner, provisioner }));
    // A trouble of their own: where rules stand already, the list blocks.
    const rules = `rules of ${label}`;
    const failure = (await provisioner.outdated())
      ? ((await options.paused(rules)) ?? (await failureOf(provisioner.renew)))
      : null;
    if (failure === null) await options.mended(rules);
    else troubles.push({ label: rules, failure });
  }
  return { places, troubles };
}

/** A list that a profile may use, whether it is there or not. */
export interface OpenList {
  readonly name: string;
  readonly account: Account;
  readonly pool: Pool;
  readonly provision: ListProvision;
}

/** The lists of a profile, one for each mode, that of its own mode first. */
export async function openLists(
  options: Omit<PlacesOptions, "provisioning" | "paused" | "mended" | "lastMet" | "met">,
  list: ListConfig,
): Promise<readonly OpenList[]> {
  const { profile, ids, turnsOf } = options;
  const accountId = await ids.find("account", profile.account ?? "");
  const account = openAccount({ ...options, account: accountId, turns: turnsOf(accountId) });
  const { capacity, zonesFor } = await peersOf(options, accountId);
  const pool = { name: poolName(accountId), capacity };
  const zones = (): Promise<readonly string[]> => zonesFor(list);
  return listNames(profile, list).map((name) => {
    const turns = turnsOf(`rules of ${accountId}`);
    const provision = listProvision({ ...options, account, accountId, list: name, zones, turns });
    return { name, account, pool, provision };
  });
}

async function findScopes({
  profile,
  ids,
  paused,
  lastMet,
  met,
}: PlacesOptions): Promise<{ readonly scopes: readonly Scope[]; readonly troubles: readonly Trouble[] }> {
  if (profile.account !== null)
    return { scopes: [{ kind: "account", id: await ids.find("account", profile.account) }], troubles: [] };
  if (profile.zones.length === 0) return { scopes: [{ kind: "user" }], troubles: [] };
  const scopes: Scope[] = [];
  const troubles: Trouble[] = [];
  for (const name of profile.zones) {
    const label = `zone ${name}`;
    const pause = await paused(label);
    const known = await ids.known("zone", name);
    const waiting = known === null ? pause : null;
    const failure =
      waiting ??
      (await failureOf(async () => {
        // A credential that is rejected is left alone, in every way, until the pause is over.
        const isLeftAlone = known !== null && pause?.kind === "rejected";
        const id = isLeftAlone ? known : await ids.find("zone", name, await lastMet(name));
        await met({ id, name });
        scopes.push({ kind: "zone", id, name });
      }));
    if (failure !== null) troubles.push({ label, failure });
  }
  return { scopes, troubles };
}

/** Why it failed, where that is a matter of this place alone; null when it did not. */
async function failureOf(work: () => Promise<void>): Promise<Failure | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof Failure && error.kind !== "unavailable") return error;
    throw error;
  }
}
