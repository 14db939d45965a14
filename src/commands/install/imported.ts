import { isMode } from "../../core/hold.ts";
import type { StockUse } from "../../fail2ban/stock.ts";

type Credential = Pick<StockUse, "email" | "secret" | "scope" | "mode">;

/** A credential of fail2ban's configuration, and what is blocked with it for which jails. */
export interface Imported extends Credential {
  /** "" for the main profile. */
  readonly profile: string;
  readonly zones: readonly string[];
  readonly jails: readonly string[];
}

/** The credential of the action file itself, and whether the file goes or stays. */
export interface OwnCredential extends Pick<Credential, "email" | "secret"> {
  readonly file: "goes" | "stays";
}

/**
 * A profile for each credential, scope and mode that jails pass to their actions; the main one is the action file's own,
 * else what most jails use. A jail that passes several gets the first, as its bans have one profile.
 */
export function importsOf(uses: readonly StockUse[], own: OwnCredential | null): readonly Imported[] {
  const main: readonly Imported[] =
    own === null ? [] : [{ ...own, scope: { kind: "user" }, mode: "", profile: "", zones: [], jails: [] }];
  const groups = new Map<string, Imported>();
  for (const one of [...main, ...byJail(uses)]) {
    const before = groups.get(keyOf(one));
    groups.set(
      keyOf(one),
      before === undefined ? one : { ...before, jails: [...before.jails, ...one.jails] },
    );
  }
  const ordered = [...groups.values()];
  if (own === null) ordered.sort((one, other) => other.jails.length - one.jails.length);
  const names = new Set<string>();
  const named = ordered.map((one, index) =>
    index === 0 ? one : { ...one, profile: freeName(one.jails, names) },
  );
  return own?.file === "stays" ? named.slice(1) : named;
}

/** Lines of a new configuration; tables come after every line that is in none. */
export function linesOf(imports: readonly Imported[]): {
  readonly settings: readonly string[];
  readonly tables: readonly string[];
} {
  const named = imports.filter(({ profile }) => profile !== "");
  const jails = named.flatMap(({ profile, jails: list }) => list.map((jail) => [jail, profile] as const));
  return {
    settings: imports.filter(({ profile }) => profile === "").flatMap(settingsOf),
    tables: [
      ...named.flatMap((one) => ["", `[profiles.${one.profile}]`, ...settingsOf(one)]),
      ...(jails.length === 0 ? [] : ["", "[jails]"]),
      ...jails.map(([jail, profile]) => setting(JSON.stringify(jail), profile)),
    ],
  };
}

/** What is imported, for people: never the secret. */
export function describe({ email, scope, zones, jails }: Imported): string {
  const who = jails.length === 0 ? "the action file" : `jail ${jails.join(", ")}`;
  const what = email === null ? "an API token" : `the API key of ${email}`;
  const where = { user: "the user's own rules", account: "an account", zone: `zone ${zones.join(", ")}` };
  return `${who}: ${what} for ${where[scope.kind]}`;
}

export function setting(key: string, value: string): string {
  return `${key} = ${JSON.stringify(value)}`;
}

function settingsOf({ email, secret, scope, zones, mode }: Imported): readonly string[] {
  return [
    ...(email === null
      ? [setting("api_token", secret.reveal())]
      : [setting("email", email), setting("api_key", secret.reveal())]),
    ...(scope.kind === "account" ? [setting("account", scope.id)] : []),
    ...(zones.length > 0 ? [`zones = [${zones.map((zone) => JSON.stringify(zone)).join(", ")}]`] : []),
    ...(isMode(mode) ? [setting("mode", mode)] : []),
  ];
}

/** What each jail passes; several zones with one credential are one profile. */
function byJail(uses: readonly StockUse[]): readonly Imported[] {
  const jails = new Map<string, Imported>();
  for (const use of uses) {
    const zones = use.scope.kind === "zone" ? [use.scope.id] : [];
    const one = { ...use, profile: "", zones, jails: [use.jail] };
    const before = jails.get(use.jail) ?? one;
    const isSame = keyOf({ ...before, zones: [] }) === keyOf({ ...one, zones: [] });
    jails.set(use.jail, isSame ? { ...before, zones: [...new Set([...before.zones, ...zones])] } : before);
  }
  return [...jails.values()];
}

/** The same for what makes the same configuration. */
function keyOf({ email, secret, scope, mode, zones }: Credential & Pick<Imported, "zones">): string {
  const place = scope.kind === "account" ? scope.id : zones.toSorted();
  return JSON.stringify([email, secret.reveal(), scope.kind, place, isMode(mode) ? mode : "block"]);
}

function freeName([jail = ""]: readonly string[], taken: Set<string>): string {
  const plain = jail.replace(/[^A-Za-z0-9_-]/g, "-");
  let name = plain;
  for (let number = 2; taken.has(name); number += 1) name = `${plain}-${number}`;
  taken.add(name);
  return name;
}
