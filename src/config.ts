import { readFileSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { parseAddress, quoted } from "./core/address.ts";
import type { Address } from "./core/address.ts";
import type { Mode } from "./core/hold.ts";
import { profileKeys, profileOf } from "./config/profile.ts";
import { asTable, reader } from "./config/reader.ts";
import type { Table } from "./config/reader.ts";
import { Failure } from "./errors.ts";
import type { Runtime } from "./runtime.ts";

/** Where the configuration says the credential is; `credential.ts` reads it when a call is to be made. */
export interface CredentialSource {
  readonly apiToken?: string;
  readonly apiTokenFile?: string;
  readonly email?: string;
  readonly apiKey?: string;
  readonly apiKeyFile?: string;
}

/** An account's IP list in place of access rules. */
export interface ListConfig {
  /** The list of mode "block"; those of other modes have the mode behind it. */
  readonly name: string;
  /** Items that all lists of the account may hold. */
  readonly capacity: number;
}

export interface ProfileConfig {
  /** "" for the main one. */
  readonly name: string;
  readonly credential: CredentialSource;
  /**
   * Names or ids. Of access rules, empty: the account's, or the user's own where there is no account either. With a
   * list: where it acts; empty: in every zone of its account.
   */
  readonly zones: readonly string[];
  readonly account: string | null;
  /** null: access rules. */
  readonly list: ListConfig | null;
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
  readonly journal: string;
  readonly log: string;
  readonly apiBase: string;
  /** fail2ban's configuration directory. */
  readonly fail2ban: string;
}

export const defaultConfigPath = "/etc/fail2ban-cloudflare/config.toml";

const mainKeys = [
  ...profileKeys,
  "ignore",
  "restart_grace",
  "budget",
  "host",
  "journal",
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
  return {
    path,
    profiles: new Map([main, ...profiles].map((profile) => [profile.name, profile])),
    ignore: read.texts("ignore").map((text) => within(path, "ignore", () => parseAddress(text))),
    restartGraceMs: read.whole("restart_grace", 120, { least: 0, most: 86_400 }) * 1_000,
    budget: read.whole("budget", 1_000, { least: 10, most: 1_200 }),
    host: read.text("host", runtime.hostname),
    journal: under(read.absolute("journal", "/var/lib/fail2ban/cloudflare/journal.db")),
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

function readTable(path: string, optional: boolean): Table {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" && optional) return {};
    throw new Failure("config", `Cannot read configuration "${path}": ${code}`, {
      hint: code === "ENOENT" ? "run: fail2ban-cloudflare install" : `as root: ls -l ${path}`,
      cause: error,
    });
  }
  try {
    return Bun.TOML.parse(text) as Table;
  } catch {
    // The parser's message may quote the line, and a line may hold a token.
    throw new Failure("config", `Cannot read configuration "${path}": it is not valid TOML${placeOf(text)}`, {
      hint: 'values stand in quotes, as in zones = ["example.com"]',
    });
  }
}

/** In a longer configuration a broken statement is not looked for: a hook must not take long over it. */
const mostLines = 500;

/** Where the first statement begins that is not understood: the parser does not say. */
function placeOf(text: string): string {
  const lines = text.split("\n");
  if (lines.length > mostLines) return "";
  const understood = lines.findLastIndex((_, last) => isToml(lines.slice(0, last + 1).join("\n")));
  return ` from line ${understood + 2} on`;
}

function isToml(text: string): boolean {
  try {
    Bun.TOML.parse(text);
    return true;
  } catch {
    return false;
  }
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

function within<T>(path: string, key: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure("config", `Cannot use ${key} of "${path}": ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
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
