import { readFileSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { parseAddress, quoted } from "./core/address.ts";
import type { Address } from "./core/address.ts";
import { isMode, modes } from "./core/hold.ts";
import type { Mode } from "./core/hold.ts";
import { Failure } from "./errors.ts";
import { isDatabaseUrl, parseDatabaseUrl } from "./fleet-config.ts";
import type { FleetConfig } from "./fleet-config.ts";
import type { Runtime } from "./runtime.ts";
import { nearest } from "./nearest.ts";

/** Where the configuration says the credential is; `credential.ts` reads it when a call is to be made. */
export interface CredentialSource {
  readonly apiToken?: string;
  readonly apiTokenFile?: string;
  readonly email?: string;
  readonly apiKey?: string;
  readonly apiKeyFile?: string;
}

export interface ProfileConfig {
  /** "" for the main one. */
  readonly name: string;
  readonly credential: CredentialSource;
  /** Names or ids; empty: the account's rules, or the user's own where there is no account either. */
  readonly zones: readonly string[];
  readonly account: string | null;
  readonly mode: Mode;
  /** Length of the network that is blocked for one IPv6 address. */
  readonly ipv6Prefix: number;
}

export interface Config {
  /** The file it was read from, for messages. */
  readonly path: string;
  readonly profiles: ReadonlyMap<string, ProfileConfig>;
  readonly ignore: readonly Address[];
  readonly restartGraceMs: number;
  /** Calls in five minutes. */
  readonly budget: number;
  readonly host: string;
  /** The name in the marks of our rules: the host's, or its fleet's. */
  readonly owner: string;
  /** The file of this host's own journal. */
  readonly journal: string;
  /** null: this host stands alone. */
  readonly fleet: FleetConfig | null;
  readonly log: string;
  readonly apiBase: string;
  /** fail2ban's configuration directory. */
  readonly fail2ban: string;
}

const defaultJournal = "/var/lib/fail2ban/cloudflare/journal.db";

export const defaultConfigPath = "/etc/fail2ban-cloudflare/config.toml";

type Table = Readonly<Record<string, unknown>>;

const profileKeys = [
  "api_token",
  "api_token_file",
  "email",
  "api_key",
  "api_key_file",
  "zones",
  "account",
  "backend",
  "mode",
  "ipv6_prefix",
];
const fleetKeys = ["name", "spool", "gone_after"];
const mainKeys = [
  ...profileKeys,
  "ignore",
  "restart_grace",
  "budget",
  "host",
  "journal",
  "fleet",
  "log",
  "api_base",
  "fail2ban",
  "profiles",
];

/** Reads and checks the configuration; a missing file at the default path is an empty one. Never reads a credential. */
export function loadConfig(runtime: Runtime, path: string): Config {
  const table = readTable(path, path === join(runtime.root, defaultConfigPath));
  const read = reader(path, "", table);
  read.onlyKeys(mainKeys);
  const main = profileOf(path, "", table, null);
  const profiles = Object.entries(read.table("profiles")).map(([name, value]) =>
    profileOf(path, name, asTable(path, `profiles.${name}`, value), main),
  );
  const under = (file: string): string => join(runtime.root, file);
  const host = read.text("host", runtime.hostname);
  const { journal, fleet } = journalOf(path, read, host);
  return {
    path,
    profiles: new Map([main, ...profiles].map((profile) => [profile.name, profile])),
    ignore: read.texts("ignore").map((text) => within(path, "ignore", () => parseAddress(text))),
    restartGraceMs: read.whole("restart_grace", 120, { least: 0, most: 86_400 }) * 1_000,
    budget: read.whole("budget", 1_000, { least: 10, most: 1_200 }),
    host,
    owner: fleet?.name ?? host,
    journal: under(journal),
    fleet,
    log: under(read.absolute("log", "/var/log/fail2ban-cloudflare.log")),
    apiBase: apiBase(path, read.text("api_base", "https://api.cloudflare.com/client/v4")),
    fail2ban: under(read.absolute("fail2ban", "/etc/fail2ban")),
  };
}

/** The profile of a name, or a config failure that names those there are. */
export function profileNamed(config: Config, name: string): ProfileConfig {
  const profile = config.profiles.get(name);
  if (profile !== undefined) return profile;
  throw new Failure("config", `Cannot find profile ${quoted(name)} in "${config.path}"`, {
    hint: `add [profiles.${name}] there, or correct cfprofile in the jail`,
  });
}

/** A file of this host, or a database of its fleet with a file of this host's own beside it. */
function journalOf(path: string, read: Reader, host: string): Pick<Config, "journal" | "fleet"> {
  const text = read.optional("journal") ?? defaultJournal;
  const own = reader(path, "fleet.", read.table("fleet"));
  own.onlyKeys(fleetKeys);
  if (!isDatabaseUrl(text)) {
    const given = fleetKeys.find((key) => key in read.table("fleet"));
    if (given === undefined) return { journal: read.absolute("journal", defaultJournal), fleet: null };
    throw own.refuse(given, "the journal is no database of a fleet", 'journal = "postgres://…"');
  }
  const name = own.optional("name");
  if (name === undefined || !/^[A-Za-z0-9._-]{1,60}$/.test(name)) {
    const state = name === undefined ? "it is missing" : "only letters, digits, '.', '_' and '-'";
    throw own.refuse("name", state, 'name = "web" in [fleet], the same on all of its servers');
  }
  if (name === host) throw own.refuse("name", "it is this server's own", "choose another for the fleet");
  return {
    journal: own.absolute("spool", defaultJournal),
    fleet: {
      name,
      ...parseDatabaseUrl(text, (state, hint) => read.refuse("journal", state, hint)),
      goneAfterMs: own.whole("gone_after", 86_400, { least: 60, most: 31_536_000 }) * 1_000,
    },
  };
}

function readTable(path: string, optional: boolean): Table {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" && optional) return {};
    throw new Failure("config", `Cannot read configuration "${path}": ${code}`, {
      hint: code === "ENOENT" ? "run: fail2ban-cloudflare install" : `ls -l ${path}`,
      cause: error,
    });
  }
  try {
    return Bun.TOML.parse(text) as Table;
  } catch (error) {
    // The parser's message may quote the line, and a line may hold a token.
    throw new Failure("config", `Cannot read configuration "${path}": it is not valid TOML${lineOf(error)}`, {
      hint: 'values stand in quotes, as in zones = ["example.com"]',
    });
  }
}

function lineOf(error: unknown): string {
  const line = typeof error === "object" && error !== null && "line" in error ? error.line : undefined;
  return typeof line === "number" ? ` in line ${line}` : "";
}

function profileOf(path: string, name: string, table: Table, main: ProfileConfig | null): ProfileConfig {
  const read = reader(path, name === "" ? "" : `profiles.${name}.`, table);
  if (name !== "") {
    read.onlyKeys(profileKeys);
    if (!/^[A-Za-z0-9_-]+$/.test(name)) {
      throw new Failure(
        "config",
        `Cannot use profile ${quoted(name)} of "${path}": only letters, digits, "-" and "_"`,
      );
    }
  }
  const backend = read.text("backend", "access-rules");
  if (backend !== "access-rules") {
    throw read.refuse("backend", `${quoted(backend)} is none`, 'the one there is: backend = "access-rules"');
  }
  const mode = read.text("mode", main?.mode ?? "block");
  if (!isMode(mode)) throw read.refuse("mode", `${quoted(mode)} is none`, `one of: ${modes.join(", ")}`);
  const zones = read.texts("zones");
  const account = read.optional("account");
  if (zones.length > 0 && account !== undefined) {
    throw read.refuse("account", "zones are named too", "keep one of the two");
  }
  return {
    name,
    credential: inherited(credentialOf(read), main),
    zones: [...new Set(zones)],
    account: account ?? null,
    mode,
    ipv6Prefix: read.whole("ipv6_prefix", main?.ipv6Prefix ?? 128, { least: 32, most: 128 }),
  };
}

function credentialOf(read: Reader): CredentialSource {
  const [apiToken, apiTokenFile, email, apiKey, apiKeyFile] = [
    read.optional("api_token"),
    read.optional("api_token_file"),
    read.optional("email"),
    read.optional("api_key"),
    read.optional("api_key_file"),
  ];
  const tokens = [apiToken, apiTokenFile].filter((value) => value !== undefined);
  const keys = [apiKey, apiKeyFile].filter((value) => value !== undefined);
  if (tokens.length + keys.length > 1) {
    throw read.refuse(
      "api_token",
      "more than one credential is given",
      "keep one of api_token, api_token_file, api_key, api_key_file",
    );
  }
  if (keys.length > 0 && email === undefined) {
    throw read.refuse("email", "a Global API Key needs it", 'email = "you@example.com"');
  }
  if (email !== undefined && keys.length === 0) {
    throw read.refuse(
      "api_key",
      "email alone is no credential",
      'api_key_file = "/etc/fail2ban-cloudflare/key"',
    );
  }
  return {
    ...(apiToken === undefined ? {} : { apiToken }),
    ...(apiTokenFile === undefined ? {} : { apiTokenFile }),
    ...(email === undefined ? {} : { email }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(apiKeyFile === undefined ? {} : { apiKeyFile }),
  };
}

/** A profile that gives no credential of its own uses the main one's. */
function inherited(own: CredentialSource, main: ProfileConfig | null): CredentialSource {
  return main !== null && Object.keys(own).length === 0 ? main.credential : own;
}

function apiBase(path: string, text: string): string {
  const url = URL.parse(text);
  const loopback = url !== null && ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  if (url === null || (url.protocol !== "https:" && !(url.protocol === "http:" && loopback))) {
    throw new Failure(
      "config",
      `Cannot use api_base ${quoted(text)} of "${path}": not https, nor http to a loopback address`,
      {
        hint: "leave it out",
      },
    );
  }
  return text.replace(/\/+$/, "");
}

type Reader = ReturnType<typeof reader>;

/** Typed access to one table; every refusal names file, key and remedy. Values are quoted only where they are no secret. */
function reader(path: string, prefix: string, table: Table) {
  const refuse = (key: string, state: string, hint: string): Failure =>
    new Failure("config", `Cannot use ${prefix}${key} of "${path}": ${state}`, { hint });
  const optional = (key: string): string | undefined => {
    const value = table[key];
    if (value === undefined) return undefined;
    if (typeof value === "string" && value.includes("\0"))
      throw refuse(key, "it holds a NUL character", "write it anew");
    if (typeof value === "string" && value.trim() !== "") return value;
    throw refuse(
      key,
      value === "" ? "it is empty" : "it is not a text in quotes",
      `${key} = "…", or leave it out`,
    );
  };
  return {
    refuse,
    optional,
    text: (key: string, fallback: string): string => optional(key) ?? fallback,
    absolute(key: string, fallback: string): string {
      const value = optional(key) ?? fallback;
      if (!value.startsWith("/"))
        throw refuse(key, `${quoted(value)} is not an absolute path`, "begin it with /");
      return value;
    },
    texts(key: string): readonly string[] {
      const value = table[key] ?? [];
      if (Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "")) return value;
      throw refuse(key, "it is not a list of texts", `${key} = ["…"]`);
    },
    whole(key: string, fallback: number, { least, most }: { least: number; most: number }): number {
      const value = table[key] ?? fallback;
      if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most)
        return value;
      throw refuse(key, `it is not a whole number from ${least} to ${most}`, `${key} = ${fallback}`);
    },
    table: (key: string): Table => asTable(path, key, table[key] ?? {}),
    onlyKeys(known: readonly string[]): void {
      const unknown = Object.keys(table).find((key) => !known.includes(key));
      if (unknown === undefined) return;
      throw refuse(unknown.slice(0, 80), "there is no such key", `did you mean ${nearest(unknown, known)}?`);
    },
  };
}

function asTable(path: string, key: string, value: unknown): Table {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Table;
  throw new Failure("config", `Cannot use ${key} of "${path}": it is not a table`, { hint: `[${key}]` });
}

function within<T>(path: string, key: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure("config", `Cannot use ${key} of "${path}": ${error.message}`, { cause: error });
  }
}

/** Changes when one of the files does, or appears, or goes: for a courier that outlives a change. */
export function stampOf(paths: readonly string[]): string {
  const stamps = paths.map((path) => {
    const found = statOf(path);
    return found === null ? "none" : `${found.mtimeMs}:${found.ctimeMs}:${found.size}:${found.ino}`;
  });
  return stamps.join(" ");
}

/** What the file system says of a file; null where it is not there or not for us to see: reading it says why. */
export function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}
