import { join } from "node:path";
import pkg from "../package.json" with { type: "json" };
import { accessRules, placeOf } from "./cloudflare/access-rules.ts";
import type { Scope } from "./cloudflare/access-rules.ts";
import { cloudflareClient } from "./cloudflare/client.ts";
import type { Call, ClientOptions } from "./cloudflare/client.ts";
import { accountId, isId, zoneId } from "./cloudflare/zones.ts";
import { profileNamed } from "./config.ts";
import type { Config, ProfileConfig } from "./config.ts";
import { readAddress } from "./core/address.ts";
import type { Courier } from "./core/courier.ts";
import type { Delivery } from "./core/deliver.ts";
import { gate } from "./core/gate.ts";
import { recoverBans } from "./core/recover.ts";
import type { Fail2banState } from "./core/recover.ts";
import { intake } from "./core/intake.ts";
import { intakeOptions } from "./intake-options.ts";
import type {
  Blocklist,
  CourierJournal,
  Entry,
  FactLedger,
  Journal,
  OpenPlaces,
  Trouble,
} from "./core/ports.ts";
import { readCredential } from "./credential.ts";
import type { FoundCredential } from "./credential.ts";
import { Failure } from "./errors.ts";
import { bannedUntil, databasePath, emptyState, readState } from "./fail2ban/bips.ts";
import type { Log } from "./log.ts";
import type { Runtime } from "./runtime.ts";

/** How long calls under way may still take after SIGTERM. */
const lastCallsMs = 2_000;

export interface WireOptions<Kept = Courier["journal"]> {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly journal: Kept;
  readonly log: Log;
}

/** What fail2ban on this host has to do with a courier. */
export type HostSide = Pick<Courier, "rebuild" | "recover" | "restartMs" | "stillBanned">;

/** The host's own side of what it holds in this journal. */
export function wireHost(options: WireOptions<Journal>): HostSide {
  const { runtime, config, journal, log } = options;
  const fail2banState = () => readFail2ban(runtime, config);
  return {
    restartMs: config.restartGraceMs,
    rebuild: (profile, found) => rebuild(options, profile, found, fail2banState() ?? emptyState),
    stillBanned: () => {
      const state = fail2banState();
      return state === null ? null : bannedUntil(state.bans);
    },
    recover: async () => {
      const state = fail2banState();
      if (state === null) return;
      const count = await recoverBans(journal, state.bans, {
        host: config.host,
        now: runtime.now(),
        networksOf: (name, address) =>
          intake(address, intakeOptions(runtime, config, profileNamed(config, name))),
      });
      if (count > 0) log("warn", "", `Recovered ${count} bans of fail2ban that the journal did not have`);
    },
  };
}

/** What fail2ban's database says, read anew; null when it cannot be read now. */
export function readFail2ban({ root }: Runtime, { fail2ban }: Config): Fail2banState | null {
  const database = databasePath(fail2ban);
  return database === null ? emptyState : readState(join(root, database));
}

/** Puts together what delivers: one delivery per profile of the configuration. */
export async function wireCourier(
  options: WireOptions,
  host: HostSide,
  hooks: Pick<Courier, "beforeLook" | "outdated">,
): Promise<Courier & AsyncDisposable> {
  const { runtime, config, journal } = options;
  const sharing = new Map<string, Set<string>>();
  const deliveries = await Promise.all(
    [...config.profiles.values()].map((profile) => wireProfile(options, profile, sharing)),
  );
  return {
    journal,
    deliveries,
    now: runtime.now,
    sleep: (ms) => runtime.sleep(ms, runtime.signal),
    ...host,
    ...hooks,
    [Symbol.asyncDispose]: async () => {
      for (const delivery of deliveries) await delivery.gate.close();
    },
  };
}

/** See `Courier.rebuild`. */
async function rebuild(
  { runtime, config, journal, log }: WireOptions<Journal>,
  profile: string,
  found: readonly Entry[],
  { jails, bans }: Fail2banState,
): Promise<void> {
  const stillBannedUntil = bannedUntil(bans);
  for (const { jail, network: text, mode } of found) {
    const network = readAddress(text);
    if (jail === null || network === null || mode === null || mode === "whitelist") continue;
    const holder = { profile, jail, host: config.host };
    await journal.know(holder, mode);
    const untilAt = jails.has(jail) ? stillBannedUntil(jail, text) : Number.POSITIVE_INFINITY;
    if (untilAt === null || untilAt <= runtime.now()) continue;
    const end = Number.isFinite(untilAt) ? untilAt : null;
    await journal.hold(
      { ...holder, address: network, networks: [network], mode, untilAt: end },
      runtime.now(),
    );
  }
  if (found.length > 0)
    log("warn", "", `A new journal has taken over what it found of ours: ${found.length} blocks`);
}

/** The places of a profile without a journal: nothing is counted, nothing remembered. */
export async function openDirectly({
  runtime,
  config,
  profile,
  hardStop,
}: {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly profile: ProfileConfig;
  readonly hardStop: AbortSignal;
}): Promise<{ readonly places: readonly Blocklist[]; readonly troubles: readonly Trouble[] }> {
  const found = readCredential(runtime, config, profile);
  const call = client({
    runtime,
    config,
    credential: found.credential,
    hardStop,
    gate: { admit: async () => {}, limited: async () => {} },
  });
  const forgetful = { fact: async () => null, setFact: async () => {} };
  const { scopes, troubles } = await resolveScopes(forgetful, call, profile, found.fingerprint);
  return { places: scopes.map((scope) => accessRules({ call, scope, host: config.owner })), troubles };
}

function client({
  runtime,
  config,
  ...rest
}: { readonly runtime: Runtime; readonly config: Config } & Pick<
  ClientOptions,
  "credential" | "gate" | "hardStop"
>): Call {
  return cloudflareClient({
    ...rest,
    fetch: runtime.fetch,
    baseUrl: config.apiBase,
    userAgent: `fail2ban-cloudflare/${pkg.version}`,
  });
}

async function wireProfile(
  { runtime, config, journal, log }: WireOptions,
  profile: ProfileConfig,
  sharing: Map<string, Set<string>>,
): Promise<Delivery> {
  const found = tryCredential(runtime, config, profile);
  const fingerprint = found instanceof Failure ? `none-${profile.name}` : found.fingerprint;
  if (!(found instanceof Failure) && found.warning !== null) log("warn", "", found.warning);
  const door = gate(journal, {
    credential: fingerprint,
    budget: config.budget,
    now: runtime.now,
    random: runtime.random,
  });
  await noticeChange(journal, config, profile, fingerprint, runtime.now());
  const share = (place: string): void => {
    sharing.set(place, (sharing.get(place) ?? new Set()).add(profile.name));
  };
  // Before any place is opened: another profile's delivery to the same place must count this one's holds.
  for (const place of await placesKnown(journal, profile, fingerprint)) share(place);
  let opened: Promise<OpenPlaces> | null = null;
  async function open(): Promise<OpenPlaces> {
    if (found instanceof Failure) throw found;
    const call = client({
      runtime,
      config,
      credential: found.credential,
      gate: door,
      hardStop: hardStop(runtime),
    });
    const { scopes, troubles } = await resolveScopes(journal, call, profile, fingerprint);
    const blocklist = (scope: Scope) => accessRules({ call, scope, host: config.owner });
    const places = scopes.map(blocklist);
    for (const { place } of places) share(place);
    const current = new Set(places.map(({ place }) => place));
    const former = (await journal.placesOf(profile.name)).filter((place) => !current.has(place));
    return { places, former: troubles.length > 0 ? [] : former.map(scopeOfPlace).map(blocklist), troubles };
  }
  return {
    journal,
    gate: door,
    profile: {
      name: profile.name,
      credential: fingerprint,
      async open() {
        opened ??= open();
        try {
          const result = await opened;
          if (result.troubles.length > 0) opened = null;
          return result;
        } catch (error) {
          opened = null;
          throw error;
        }
      },
    },
    profilesOf: (place) => sharing.get(place) ?? new Set(),
    now: runtime.now,
    random: runtime.random,
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

/** After a change of credential or places, what Cloudflare refused before is tried at once and everywhere. */
async function noticeChange(
  journal: CourierJournal,
  config: Config,
  profile: ProfileConfig,
  fingerprint: string,
  now: number,
): Promise<void> {
  const places = JSON.stringify([profile.account, profile.zones, config.apiBase]);
  const name = `setup:${profile.name}`;
  const before = await journal.fact(name);
  const after = `${fingerprint} ${places}`;
  if (before === after) return;
  await journal.clearPauses(profile.name);
  await journal.hurry(profile.name);
  if (before !== null && !before.endsWith(` ${places}`)) await journal.recheck(profile.name, "all", now);
  await journal.setFact(name, after);
}

/** The scopes of a profile; names are looked up once and remembered in the journal. */
async function resolveScopes(
  journal: FactLedger,
  call: Call,
  profile: ProfileConfig,
  fingerprint: string,
): Promise<{ readonly scopes: readonly Scope[]; readonly troubles: readonly Trouble[] }> {
  const remembered = async (kind: "account" | "zone", name: string): Promise<string> => {
    const known = await knownId(journal, { kind, fingerprint, name });
    if (known !== null) return known;
    const id = await (kind === "zone" ? zoneId : accountId)(call, name);
    await journal.setFact(idFact({ kind, fingerprint, name }), id);
    return id;
  };
  if (profile.account !== null) {
    return { scopes: [{ kind: "account", id: await remembered("account", profile.account) }], troubles: [] };
  }
  if (profile.zones.length === 0) return { scopes: [{ kind: "user" }], troubles: [] };
  const scopes: Scope[] = [];
  const troubles: Trouble[] = [];
  for (const name of profile.zones) {
    try {
      scopes.push({ kind: "zone", id: await remembered("zone", name), name });
    } catch (failure) {
      if (!(failure instanceof Failure) || failure.kind === "unavailable") throw failure;
      troubles.push({ label: `zone ${name}`, failure });
    }
  }
  return { scopes, troubles };
}

/** A zone or account of the configuration, as one credential sees it. */
interface NamedScope {
  readonly kind: "account" | "zone";
  readonly fingerprint: string;
  readonly name: string;
}

function idFact({ kind, fingerprint, name }: NamedScope): string {
  return `${kind}:${fingerprint}:${name}`;
}

async function knownId(journal: FactLedger, named: NamedScope): Promise<string | null> {
  return isId(named.name) ? named.name : journal.fact(idFact(named));
}

/** The places of a profile whose ids need no call. */
async function placesKnown(
  journal: FactLedger,
  profile: ProfileConfig,
  fingerprint: string,
): Promise<string[]> {
  const kind = profile.account === null ? "zone" : "account";
  const names = profile.account === null ? profile.zones : [profile.account];
  if (names.length === 0) return [placeOf({ kind: "user" })];
  const ids = await Promise.all(names.map((name) => knownId(journal, { kind, fingerprint, name })));
  return ids.filter((id) => id !== null).map((id) => placeOf({ kind, id }));
}

function scopeOfPlace(place: string): Scope {
  const [kind = "", id = ""] = place.split(":");
  if (kind === "account") return { kind, id };
  return kind === "zone" ? { kind, id, name: id } : { kind: "user" };
}

/** Aborts a while after the program is asked to end, so that calls under way can finish. */
function hardStop({ signal, sleep }: Runtime): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => void sleep(lastCallsMs).then(() => controller.abort());
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return controller.signal;
}
