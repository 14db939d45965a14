import { permissions } from "./permissions.ts";
import type { Backend } from "./permissions.ts";

/**
 * The dashboard's form for a new token, filled in as far as its keys are documented. Source:
 * developers.cloudflare.com/fundamentals/api/how-to/account-owned-token-template.
 */
const form = "https://dash.cloudflare.com/profile/api-tokens";
const zoneForm = `${form}?${new URLSearchParams({
  permissionGroupKeys: JSON.stringify([
    { key: "zone", type: "read" },
    { key: "firewall_services", type: "edit" },
  ]),
  accountId: "*",
  zoneId: "all",
  name: "fail2ban-cloudflare",
})}`;

/** Which token to create, in lines for a person. */
export function tokenToCreate(backend: Backend, kind: "account" | "zone"): readonly string[] {
  const { zones, zoneRules, accountRules, lists, zoneWaf } = permissions;
  const forRules = kind === "zone" ? [zones, zoneRules] : [accountRules];
  const needed = backend === "list" ? [zones, lists, zoneWaf] : forRules;
  const filledIn = backend === "access-rules" && kind === "zone";
  return [
    "Create an API token in Cloudflare's dashboard (My Profile → API Tokens → Create Token → Custom token), with",
    ...needed.map((permission) => `  ${permission}`),
    `for the ${kind === "zone" ? "zones" : "account"} to protect${filledIn ? "; this page has the permissions filled in" : ""}:`,
    `  ${filledIn ? zoneForm : form}`,
  ];
}
