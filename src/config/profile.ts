import type { CredentialSource, ListConfig, ProfileConfig } from "../config.ts";
import { quoted } from "../core/text.ts";
import { isMode, modes } from "../core/hold.ts";
import { Failure } from "../errors.ts";
import { reader } from "./reader.ts";
import type { Reader, Table } from "./reader.ts";

/** What stands in a [profiles.NAME] table, and outside of them for the main profile. */
export const profileKeys = [
  "api_token",
  "api_token_file",
  "email",
  "api_key",
  "api_key_file",
  "zones",
  "account",
  "backend",
  "list",
  "capacity",
  "mode",
  "ipv6_prefix",
];

/** Items over all lists of an account. Source: developers.cloudflare.com/waf/tools/lists, same for all plans but Enterprise. */
const plansCapacity = 10_000;
const enterpriseCapacity = 500_000;

/** Lists of other modes have the mode behind this name, and Cloudflare takes 50 characters. */
const listName = /^[a-z0-9_]{1,30}$/;

/** One profile; what it leaves out of credential, mode and ipv6_prefix it has from the main one. */
export function profileOf(
  path: string,
  name: string,
  table: Table,
  main: ProfileConfig | null,
): ProfileConfig {
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
  const mode = read.text("mode", main?.mode ?? "block");
  if (!isMode(mode)) throw read.refuse("mode", `there is no ${quoted(mode)}`, `one of: ${modes.join(", ")}`);
  const zones = read.texts("zones");
  const account = read.optional("account");
  const list = listOf(read, table);
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
    ipv6Prefix: read.whole("ipv6_prefix", main?.ipv6Prefix ?? 128, { least: 32, most: 128 }),
  };
}

function listOf(read: Reader, table: Table): ListConfig | null {
  const backend = read.text("backend", "access-rules");
  if (backend !== "access-rules" && backend !== "list") {
    throw read.refuse("backend", `there is no ${quoted(backend)}`, "one of: access-rules, list");
  }
  const name = read.text("list", "fail2ban");
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
  const capacity = read.whole("capacity", plansCapacity, { least: 1, most: enterpriseCapacity });
  if (backend === "list") return { name, capacity };
  const idle = ["list", "capacity"].find((key) => table[key] !== undefined);
  if (idle !== undefined)
    throw read.refuse(idle, "access rules have none", 'backend = "list", or leave it out');
  return null;
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

/** The `[jails]` table: the name of a profile for each jail that it names. */
export function jailsOf(
  path: string,
  table: Table,
  profiles: ReadonlyMap<string, ProfileConfig>,
): ReadonlyMap<string, string> {
  const read = reader(path, "jails.", table);
  return new Map(
    Object.keys(table).map((jail) => {
      const name = read.text(jail, "");
      if (profiles.has(name)) return [jail, name];
      throw read.refuse(jail, `there is no profile ${quoted(name)}`, `[profiles.${name}]`);
    }),
  );
}
