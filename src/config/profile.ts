import type { CredentialSource, ListConfig, ProfileConfig } from "../config.ts";
import { modes } from "../core/hold.ts";
import { quoted } from "../core/text.ts";
import { Failure } from "../errors.ts";
import { reader, readerOfNames } from "./reader.ts";
import type { Reader, Table } from "./reader.ts";
import { profileSettings } from "./settings.ts";
import type { mainSettings } from "./settings.ts";

type ProfileReader = Reader<typeof profileSettings>;

/** Lists of other modes have the mode behind this name, and Cloudflare takes 50 characters. */
const listName = /^[a-z0-9_]{1,30}$/;

/** The main profile, of what stands outside of every table. */
export function mainProfile(read: Reader<typeof mainSettings>): ProfileConfig {
  return profileOf(read, "", null);
}

/** The [profiles.NAME] tables; what they leave out of credential, mode and ipv6_prefix they have from the main profile. */
export function namedProfiles(path: string, tables: Table, main: ProfileConfig): readonly ProfileConfig[] {
  const profiles = readerOfNames({ path, prefix: "profiles." }, tables, { kind: "table" });
  return Object.keys(tables).map((name) => {
    const read = reader({ path, prefix: `profiles.${name}.` }, profiles.value(name), profileSettings);
    if (/^[A-Za-z0-9_-]+$/.test(name)) return profileOf(read, name, main);
    throw new Failure(
      "config",
      `Cannot use profile ${quoted(name)} of "${path}": only letters, digits, "-" and "_"`,
    );
  });
}

function profileOf(read: ProfileReader, name: string, main: ProfileConfig | null): ProfileConfig {
  const mode = read.value("mode", main?.mode);
  const zones = read.value("zones");
  const account = read.value("account");
  const list = listOf(read);
  if (list === null && zones.length > 0 && account !== undefined) {
    throw read.refuse("account", "zones are named too", 'keep one of the two, or set backend = "list"');
  }
  if (list !== null && account === undefined) {
    throw read.refuse("account", "a list belongs to an account", 'account = "…", by name or id');
  }
  return {
    name,
    credential: inherited(credentialOf(read), main),
    zones: [...new Set(zones)],
    account: account ?? null,
    list,
    mode,
    ipv6Prefix: read.value("ipv6_prefix", main?.ipv6Prefix),
  };
}

function listOf(read: ProfileReader): ListConfig | null {
  const [name, capacity] = [read.value("list"), read.value("capacity")];
  if (!listName.test(name)) {
    throw read.refuse(
      "list",
      `${quoted(name)} is no name for one`,
      "up to 30 of a to z, 0 to 9 and _, as fail2ban",
    );
  }
  if (modes.some((mode) => name.endsWith(`_${mode}`))) {
    throw read.refuse(
      "list",
      `${quoted(name)} ends like the list of a mode`,
      "leave the mode out: it is added where it is needed",
    );
  }
  if (read.value("backend") === "list") return { name, capacity };
  const idle = (["list", "capacity"] as const).find(read.isGiven);
  if (idle !== undefined)
    throw read.refuse(idle, "access rules have none", 'backend = "list", or leave it out');
  return null;
}

function credentialOf(read: ProfileReader): CredentialSource {
  const [apiToken, apiTokenFile, email, apiKey, apiKeyFile] = [
    read.value("api_token"),
    read.value("api_token_file"),
    read.value("email"),
    read.value("api_key"),
    read.value("api_key_file"),
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

/** The `[jails]` table: the name of a profile for each jail that it names. */
export function jailsOf(
  path: string,
  table: Table,
  profiles: ReadonlyMap<string, ProfileConfig>,
): ReadonlyMap<string, string> {
  const read = readerOfNames({ path, prefix: "jails." }, table, { kind: "text", fallback: "" });
  return new Map(
    Object.keys(table).map((jail) => {
      const name = read.value(jail);
      if (profiles.has(name)) return [jail, name];
      throw read.refuse(jail, `there is no profile ${quoted(name)}`, `[profiles.${name}]`);
    }),
  );
}
