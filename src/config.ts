import { statSync } from "node:fs";
import type { Stats } from "node:fs";
import { parseAddress } from "./core/address.ts";
import { quoted } from "./core/text.ts";
import type { Address } from "./core/address.ts";
import type { Mode } from "./core/hold.ts";
import { journalOf } from "./config/fleet.ts";
import type { JournalConfig } from "./config/fleet.ts";
import { jailsOf, mainProfile, namedProfiles } from "./config/profile.ts";
import { reader } from "./config/reader.ts";
import { mainSettings } from "./config/settings.ts";
import { readTable } from "./config/toml.ts";
import { Failure } from "./errors.ts";
import { defaultConfigPath, under } from "./paths.ts";
import type { Runtime } from "./runtime.ts";

export type { FleetConfig } from "./config/fleet.ts";

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

export interface Config extends JournalConfig {
  /** The file it was read from, for messages. */
  readonly path: string;
  readonly profiles: ReadonlyMap<string, ProfileConfig>;
  /** The profiles of jails whose lines in fail2ban name none. */
  readonly jails: ReadonlyMap<string, string>;
  readonly ignore: readonly Address[];
  readonly restartGraceMs: number;
  /** Calls in five minutes. */
  readonly budget: number;
  readonly host: string;
  /** The name in the marks of our rules: the host's, or its fleet's. */
  readonly owner: string;
  readonly log: string;
  readonly apiBase: string;
  /** fail2ban's configuration directory. */
  readonly fail2ban: string;
}

/** Reads and checks the configuration; a missing file at the default path is an empty one. Never reads a credential. */
export function loadConfig(runtime: Runtime, path: string): Config {
  const table = readTable(path, path === under(runtime.root, defaultConfigPath));
  const read = reader({ path, prefix: "" }, table, mainSettings);
  const main = mainProfile(read);
  const profiles = namedProfiles(path, read.value("profiles"), main);
  const known = new Map([main, ...profiles].map((profile) => [profile.name, profile]));
  const { root } = runtime;
  const host = read.value("host") ?? runtime.hostname;
  const { journal, fleet } = journalOf(read, { path, root, host });
  return {
    path,
    profiles: known,
    jails: jailsOf(path, read.value("jails"), known),
    ignore: read.value("ignore").map((text) => within(path, "ignore", () => parseAddress(text))),
    restartGraceMs: read.value("restart_grace") * 1_000,
    budget: read.value("budget"),
    host,
    owner: fleet?.name ?? host,
    journal,
    fleet,
    log: under(root, read.value("log")),
    apiBase: apiBase(path, read.value("api_base")),
    fail2ban: under(root, read.value("fail2ban")),
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

/** The profile of a jail, by the name that its line passes, else by `[jails]`, else the main one. */
export function profileOfJail(config: Config, jail: string, name: string): ProfileConfig {
  return profileNamed(config, name === "" ? (config.jails.get(jail) ?? "") : name);
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
