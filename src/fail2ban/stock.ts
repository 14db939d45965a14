import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Secret } from "../secret.ts";
import type { Dump, DumpedJail } from "./dump.ts";
import { callsUs } from "./ours.ts";

/** Where an action with curl blocks. */
export type StockScope =
  { readonly kind: "user" } | { readonly kind: "account" | "zone"; readonly id: string };

/** An action of a jail that carries a Cloudflare credential, as fail2ban's own actions do. */
export interface StockUse {
  readonly jail: string;
  readonly action: string;
  /** "ours": the action calls this program, which has no need of the credential that the line still passes. */
  readonly by: "ours" | "stock";
  /** The account's email address, with a Global API Key; null: an API token. */
  readonly email: string | null;
  readonly secret: Secret;
  readonly scope: StockScope;
  /** "" where the line says nothing of it. */
  readonly mode: string;
}

/** A shorter text is a placeholder, and stands in any file. */
const shortestSecret = 8;

/** The credentials that fail2ban's configuration passes to actions of its jails, by the names that all guides use. */
export function stockUses({ jails }: Dump): readonly StockUse[] {
  return [...jails].flatMap(([jail, dumped]) =>
    dumped.actions.flatMap((action) => {
      const options = dumped.options(action);
      const [token = "", email = "", zone = ""] = ["cftoken", "cfuser", "cfzone"].map((name) =>
        options.get(name),
      );
      const ours = callsUs(dumped, action);
      const scope = ours ? scopeOf(zone) : scopeOfCommands(dumped, action);
      if (token === "" || scope === null) return [];
      const bearer = dumped.commands(action).some((command) => command.includes("Authorization: Bearer"));
      return {
        jail,
        action,
        by: ours ? ("ours" as const) : ("stock" as const),
        email: email === "" || bearer ? null : email,
        secret: new Secret(token),
        scope,
        mode: options.get("cfmode") ?? "",
      };
    }),
  );
}

/** The files of fail2ban's configuration that one of the credentials stands in. */
export function filesWith(directory: string, uses: readonly Pick<StockUse, "secret">[]): readonly string[] {
  const texts = uses
    .map(({ secret }) => secret.reveal())
    .filter((text) => text.length >= shortestSecret)
    // As Python's configparser wants "%" written.
    .flatMap((text) => [text, text.replaceAll("%", "%%")]);
  return ["", "jail.d", "action.d"].flatMap((name) =>
    filesIn(join(directory, name)).filter((path) => {
      const content = readFileSync(path, "utf8");
      return texts.some((text) => content.includes(text));
    }),
  );
}

function filesIn(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .sort()
    .map((name) => join(directory, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function scopeOf(zone: string): StockScope {
  return zone === "" ? { kind: "user" } : { kind: "zone", id: zone };
}

/** By the address that the ban is sent to; null where it goes to no access rules. */
function scopeOfCommands(jail: DumpedJail, action: string): StockScope | null {
  const path =
    /\/client\/v4\/(user|accounts\/([0-9a-f]{32})|zones\/([0-9a-f]{32}))\/firewall\/access_rules\//;
  const [, user, account, zone] = path.exec(jail.commands(action).join("\n")) ?? [];
  if (account !== undefined) return { kind: "account", id: account };
  if (zone !== undefined) return { kind: "zone", id: zone };
  return user === undefined ? null : { kind: "user" };
}
