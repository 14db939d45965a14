import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { loadConfig } from "../../config.ts";
import type { FoundCredential } from "../../credential.ts";
import { configurationFile } from "../../fail2ban/files.ts";
import type { Backend } from "../../wire/inspect.ts";
import type { Runtime } from "../../runtime.ts";
import { beginTransaction } from "../install/transaction.ts";
import { editToml } from "./edit-toml.ts";
import type { Places } from "./places.ts";

/** What is to be changed: one profile of a configuration file. */
export interface Target {
  readonly path: string;
  readonly text: string;
  readonly profile: string;
  readonly apiBase: string;
  /** What blocks now. */
  readonly backend: Backend;
  /** Where the profile blocks now; null: it says nothing of it. */
  readonly places: Places | null;
}

export function targetOf(runtime: Runtime, configPath: string, profile: string): Target {
  const { apiBase, profiles } = loadConfig(runtime, configPath);
  const path = existsSync(configPath) ? realpathSync(configPath) : configPath;
  const text = existsSync(path) ? readFileSync(path, "utf8") : configurationFile([], []);
  const { zones = [], account = null, list = null } = profiles.get(profile) ?? {};
  return {
    path,
    text,
    profile,
    apiBase,
    backend: list === null ? "access-rules" : "list",
    places: zones.length === 0 && account === null ? null : { zones, account },
  };
}

export interface Entry {
  readonly found: FoundCredential;
  readonly places: Places;
  /** Further settings of the profile. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Writes the credential, readable by its owner alone, and then what names it: both, or neither. Returns the paths. */
export function writeEntry(
  runtime: Runtime,
  target: Target,
  { found, places, settings }: Entry,
): readonly string[] {
  const { credential } = found;
  const isToken = credential.kind === "token";
  const secretPath = secretFile(runtime, target, isToken ? "api_token_file" : "api_key_file");
  const named = `/${relative(runtime.root, secretPath)}`;
  const text = editToml(target.path, target.text, {
    table: tableOf(target),
    settings: {
      api_token_file: isToken ? named : null,
      api_token: null,
      email: isToken ? null : credential.email,
      api_key_file: isToken ? null : named,
      api_key: null,
      zones: places.zones.length === 0 ? null : places.zones,
      account: places.account,
      ...settings,
    },
  });
  const secret = isToken ? credential.token : credential.key;
  const transaction = beginTransaction();
  try {
    if (!existsSync(dirname(target.path))) transaction.directory(dirname(target.path), 0o700);
    transaction.write(secretPath, `${secret.reveal()}\n`, { mode: 0o600, keepAs: null });
    transaction.write(target.path, text, { mode: 0o600, keepAs: null });
    loadConfig(runtime, target.path);
  } catch (error) {
    transaction.rollBack();
    throw error;
  }
  transaction.commit();
  return [secretPath, target.path];
}

function tableOf({ profile }: Target): string {
  return profile === "" ? "" : `profiles.${profile}`;
}

/** The file that the profile names already, unless another needs it as it is; else one beside the configuration. */
function secretFile(
  runtime: Runtime,
  { path, text, profile }: Target,
  key: "api_token_file" | "api_key_file",
): string {
  const tables = tablesOf(text);
  const named = tables.get(profile)?.[key];
  const others = [...tables].filter(([name]) => name !== profile).map(([, table]) => table[key]);
  if (typeof named === "string" && !others.includes(named)) return join(runtime.root, named);
  const file = key === "api_token_file" ? "token" : "key";
  return join(dirname(path), profile === "" ? file : `${file}-${profile}`);
}

type Table = Readonly<Record<string, unknown>>;

/** The settings of each profile as they are written; "" for the main one. */
function tablesOf(text: string): ReadonlyMap<string, Table> {
  const main = Bun.TOML.parse(text) as Table;
  return new Map([
    ["", main],
    ...Object.entries((main["profiles"] ?? {}) as Readonly<Record<string, Table>>),
  ]);
}
