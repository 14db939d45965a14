import { expect, test } from "bun:test";
import type { Call } from "../../src/cloudflare/client.ts";
import { requirements } from "../../src/cloudflare/permissions.ts";
import type { Backend, Ground } from "../../src/cloudflare/permissions.ts";
import { Failure } from "../../src/errors.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { inspect } from "../../src/wire/inspect.ts";
import { tokenFound } from "../../src/credential.ts";
import type { Permission } from "../support/cloudflare/credentials.ts";

const [account, zone, ruleset, nobodys] = ["a", "b", "c", "0"].map((digit) => digit.repeat(32)) as [
  string,
  string,
  string,
  string,
];
const grounds: Readonly<Record<Ground["kind"], Ground>> = {
  user: { kind: "user", id: "", label: "the user's own rules" },
  account: { kind: "account", id: account, label: "account" },
  zone: { kind: "zone", id: zone, label: "zone example.com" },
};

test.each<[Backend, Ground["kind"], permission: string, read: string, change: string]>([
  [
    "access-rules",
    "user",
    "Account → Account Firewall Access Rules → Edit",
    "GET /user/firewall/access_rules/rules",
    `DELETE /user/firewall/access_rules/rules/${nobodys}`,
  ],
  [
    "access-rules",
    "account",
    "Account → Account Firewall Access Rules → Edit",
    `GET /accounts/${account}/firewall/access_rules/rules`,
    `DELETE /accounts/${account}/firewall/access_rules/rules/${nobodys}`,
  ],
  [
    "access-rules",
    "zone",
    "Zone → Firewall Services → Edit",
    `GET /zones/${zone}/firewall/access_rules/rules`,
    `DELETE /zones/${zone}/firewall/access_rules/rules/${nobodys}`,
  ],
  [
    "list",
    "account",
    "Account → Account Filter Lists → Edit",
    `GET /accounts/${account}/rules/lists`,
    `DELETE /accounts/${account}/rules/lists/${nobodys}`,
  ],
  [
    "list",
    "zone",
    "Zone → Zone WAF → Edit",
    `GET /zones/${zone}/rulesets/phases/http_request_firewall_custom/entrypoint`,
    `DELETE /zones/${zone}/rulesets/${ruleset}/rules/${nobodys}`,
  ],
])("%s of a %s needs one permission, and nothing that exists is touched to try it", async (...row) => {
  const [backend, kind, permission, read, change] = row;
  const [requirement] = requirements(backend, [grounds[kind]]);
  expect(requirement).toMatchObject({ permission, label: grounds[kind].label });
  const rightWith = async (allowed: readonly string[]) => {
    const made: string[] = [];
    const call: Call = async (method, path) => {
      made.push(`${method} ${path}`);
      if (!allowed.includes(method)) throw new Failure("rejected", "Authentication error");
      return method === "GET"
        ? { ok: true, result: { id: ruleset }, totalPages: 1, cursor: null }
        : { ok: false, status: 404, codes: [10001], message: "not found" };
    };
    return [await requirement?.probe(call), ...made];
  };
  expect(await rightWith(["GET", "DELETE"])).toEqual(["edit", read, change]);
  expect(await rightWith(["GET"])).toEqual(["read", read, change]);
  expect(await rightWith([])).toEqual(["none", read]);
});

test("a zone without custom rules is tried with a ruleset that does not exist", async () => {
  const made: string[] = [];
  const call: Call = async (method, path) => {
    made.push(`${method} ${path}`);
    return { ok: false, status: 404, codes: [10003], message: "could not find entrypoint ruleset" };
  };
  expect(await requirements("list", [grounds.zone])[0]?.probe(call)).toBe("edit");
  expect(made.at(-1)).toBe(`DELETE /zones/${zone}/rulesets/${nobodys}/rules/${nobodys}`);
});

test("an outage is no answer about a permission", async () => {
  const call: Call = () => Promise.reject(new Failure("unavailable", "Cannot reach Cloudflare"));
  expect(requirements("access-rules", [grounds.zone])[0]?.probe(call)).rejects.toThrow("Cannot reach");
});

test.each<[permissions: readonly Permission[], right: string]>([
  [["Firewall Services Write"], "edit"],
  [["Firewall Services Read"], "read"],
  [["Zone Read"], "none"],
])("a token with %j has right %s, and no rule is made or lost by asking", async (permissions, right) => {
  await using edge = fakeCloudflare();
  edge.plant(edge.zone.scope, { value: "203.0.113.9" });
  const before = JSON.stringify(edge.rules());
  const { credential } = tokenFound(edge.grant("test-token-limited", { permissions }), "a test");
  const runtime = { fetch, now: Date.now, signal: new AbortController().signal };
  const inspection = inspect({ runtime, apiBase: edge.url, credential });
  const ground: Ground = { kind: "zone", id: edge.zone.id, label: "zone example.com" };
  for (const requirement of requirements("access-rules", [ground])) {
    expect(String(await inspection.probe(requirement))).toBe(right);
  }
  expect(JSON.stringify(edge.rules())).toBe(before);
  expect(edge.violations).toEqual([]);
});
