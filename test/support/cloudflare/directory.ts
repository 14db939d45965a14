import { pageOf, success } from "./answer.ts";
import type { Caller } from "./credentials.ts";
import { invalidToken, permits } from "./credentials.ts";
import type { Route } from "./routes.ts";
import type { Scope } from "./rule-store.ts";

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
}

export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly account: Account;
  readonly status: "initializing" | "pending" | "active" | "moved";
  readonly scope: Scope;
}

/** What `GET /ips` answers. */
export interface Ranges {
  ipv4: readonly string[];
  ipv6: readonly string[];
}

export interface Directory {
  readonly zones: readonly Zone[];
  readonly accounts: readonly Account[];
  /** Replace these to play other ranges of Cloudflare's own. */
  ranges: Ranges;
}

/** Zones, accounts, the two token checks, and Cloudflare's own ranges. */
export function directoryRoutes(directory: Directory): Route[] {
  return [
    {
      method: "GET",
      path: "/zones",
      needs: "any",
      answer: ({ query }, _, caller) =>
        pageOf(zonesFor(directory, caller, query), query, { min: 5, max: 50 }),
    },
    {
      method: "GET",
      path: "/accounts",
      needs: "any",
      answer: ({ query }, _, caller) =>
        pageOf(accountsFor(directory, caller, query), query, { min: 5, max: 50 }),
    },
    {
      method: "GET",
      path: "/user/tokens/verify",
      needs: "any",
      answer: (_request, _ids, caller) => verified(caller, null),
    },
    {
      method: "GET",
      path: "/accounts/:account/tokens/verify",
      needs: "any",
      answer: (_request, { account = "" }, caller) => verified(caller, account),
    },
    {
      method: "GET",
      path: "/ips",
      needs: "public",
      answer: () => {
        const { ipv4, ipv6 } = directory.ranges;
        const etag = new Bun.CryptoHasher("md5").update([...ipv4, ...ipv6].join()).digest("hex");
        return success({ ipv4_cidrs: ipv4, ipv6_cidrs: ipv6, etag });
      },
    },
  ];
}

/** A token without the right sees an empty list; whether Cloudflare refuses instead is unverified. */
function zonesFor(directory: Directory, caller: Caller | null, query: URLSearchParams): object[] {
  if (caller === null || !permits(caller, ["Zone Read"])) return [];
  const name = query.get("name");
  const status = query.get("status");
  const account = query.get("account.id");
  return directory.zones
    .filter((zone) => name === null || nameMatches(zone.name, name))
    .filter((zone) => status === null || zone.status === status)
    .filter((zone) => account === null || zone.account.id === account)
    .map(shownZone);
}

function accountsFor(directory: Directory, caller: Caller | null, query: URLSearchParams): object[] {
  if (caller === null || !permits(caller, ["Account Settings Read"])) return [];
  const name = query.get("name");
  return directory.accounts
    .filter((account) => name === null || account.name === name)
    .map(({ id, name }) => ({ id, name, type: "standard", settings: {}, created_on: madeOn }));
}

function nameMatches(name: string, wanted: string): boolean {
  const [, operator = "equal", text = wanted] =
    /^(equal|not_equal|starts_with|ends_with|contains):(.*)$/.exec(wanted) ?? [];
  if (operator === "starts_with") return name.startsWith(text);
  if (operator === "ends_with") return name.endsWith(text);
  if (operator === "contains") return name.includes(text);
  return (name === text.toLowerCase()) === (operator === "equal");
}

/** Each check knows only its own kind of token: the user's, or those of that account. */
function verified(caller: Caller | null, account: string | null) {
  if (caller === null || caller === "key" || caller.account !== account) return invalidToken();
  const { id, status, expires_on } = caller;
  return success(
    { id, status, expires_on },
    { messages: [{ code: 10000, message: `This API Token is valid and ${status}` }] },
  );
}

const madeOn = "2020-01-01T00:00:00.000000Z";

function shownZone({ id, name, account, status }: Zone): object {
  return {
    id,
    name,
    status,
    paused: false,
    type: "full",
    development_mode: 0,
    owner: { id: account.id, name: account.name, type: "organization" },
    account: { id: account.id, name: account.name },
    meta: { step: 2, custom_certificate_quota: 0, page_rule_quota: 3, phishing_detected: false },
    name_servers: ["ns1.example.net", "ns2.example.net"],
    original_name_servers: null,
    original_registrar: null,
    original_dnshost: null,
    created_on: madeOn,
    modified_on: madeOn,
    activated_on: madeOn,
    plan: { id: "free", name: "Free Website", legacy_id: "free" },
  };
}
