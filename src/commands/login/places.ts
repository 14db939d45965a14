import { Failure } from "../../errors.ts";
import type { Backend, Ground, Inspection } from "../../wire/inspect.ts";
import type { Asker } from "./asker.ts";
import type { Introduced } from "../introduce.ts";

/**
 * Where to block, as the configuration has it: in zones, in an account, or, with neither, for all zones of the user. A
 * list is an account's, and acts in zones of it: those named, or all.
 */
export interface Places {
  readonly zones: readonly string[];
  readonly account: string | null;
}

export interface PlaceOptions {
  /** What the command line names; null: nothing. */
  readonly named: Places | null;
  /** What the configuration names; null: nothing. */
  readonly configured: Places | null;
  readonly backend: Backend;
  /** null: nobody can be asked. */
  readonly asker: Asker | null;
  readonly isKey: boolean;
}

/** Chooses among what the credential sees: what is named, else what a person answers, else what leaves no choice. */
export async function choosePlaces(seen: Introduced, options: PlaceOptions): Promise<Places> {
  const { named, configured, asker, isKey, backend } = options;
  if (named !== null) return named;
  if (asker !== null) return askPlaces(seen, options, asker);
  if (configured !== null) return configured;
  const [zone, ...others] = seen.zones;
  if (backend === "access-rules" && zone !== undefined && others.length === 0 && !isKey)
    return inZones([zone.name]);
  if (isKey && backend === "access-rules") return { zones: [], account: null };
  const names = seen.zones.slice(0, 5).map(({ name }) => name);
  const state = names.length === 0 ? "the token sees no zone" : `the token sees ${seen.zones.length} zones`;
  throw new Failure("usage", `Cannot choose where to block: ${state}`, {
    hint: backend === "list" ? "--account ID" : `--zones ${names.join(",") || "NAME"} or --account ID`,
  });
}

async function askPlaces(
  seen: Introduced,
  { configured, backend, isKey }: PlaceOptions,
  asker: Asker,
): Promise<Places> {
  const kinds = [
    ...(seen.zones.length > 0 ? [{ value: "zones" as const, label: "in zones" }] : []),
    ...(seen.accounts.length > 0 ? [{ value: "account" as const, label: "in a whole account" }] : []),
    ...(isKey ? [{ value: "user" as const, label: "in all zones of the user" }] : []),
  ].filter(({ value }) => backend === "access-rules" || value === "account");
  const [only] = kinds;
  if (only === undefined) {
    throw new Failure(
      "rejected",
      "Cannot choose where to block: the credential sees neither a zone nor an account",
      {
        hint: "give the token Zone → Zone → Read, or name the place: --zones NAME or --account ID",
      },
    );
  }
  const kind = kinds.length === 1 ? only.value : await asker.one("Where are addresses to be blocked?", kinds);
  if (kind === "user") return { zones: [], account: null };
  if (kind === "account") {
    const accounts = seen.accounts.map(({ id, name }) => ({ value: id, label: name }));
    return { zones: [], account: await asker.one("In which account?", accounts) };
  }
  const zones = seen.zones.map(({ name }) => ({ value: name, label: name }));
  return inZones(await asker.some("In which zones?", zones, configured?.zones ?? []));
}

function inZones(zones: readonly string[]): Places {
  return { zones, account: null };
}

/** The places as Cloudflare knows them; for a list, the account and each zone that it acts in. */
export async function groundsOf(
  inspection: Inspection,
  { zones, account }: Places,
  { backend, seen }: { readonly backend: Backend; readonly seen: Introduced },
): Promise<readonly Ground[]> {
  const named = await Promise.all(zones.map((name) => inspection.ground("zone", name)));
  if (account === null)
    return named.length > 0 ? named : [{ kind: "user", id: "", label: "the user's own rules" }];
  const ground = await inspection.ground("account", account);
  if (backend === "access-rules" || named.length > 0) return [ground, ...named];
  const inAccount = seen.zones.filter((zone) => zone.account.id === ground.id);
  return [ground, ...inAccount.map(({ id, name }) => ({ kind: "zone" as const, id, label: `zone ${name}` }))];
}
