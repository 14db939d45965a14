import { describe, expect, test } from "bun:test";
import { ask } from "../support/cloudflare/ask.ts";
import { openapi } from "../support/contract.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { fixtures } from "../support/fixtures.ts";

const recorded = fixtures();
const contract = openapi();

const rules = "/zones/{zone}/firewall/access_rules/rules";
const malformed = { Authorization: "Bearer abc-def" };
const unknown = { Authorization: "Bearer test-token-unknown" };
const block = (target: string, value: string) => ({ mode: "block", configuration: { target, value } });

type Case = readonly [
  fixture: string,
  call: string,
  options?: Parameters<typeof ask>[2],
  prepare?: (edge: FakeCloudflare) => void,
];

const cases: readonly Case[] = [
  ["wild_access_rule_delete_already_gone", `DELETE ${rules}/none`],
  [
    "wild_access_rule_duplicate",
    `POST ${rules}`,
    { body: block("ip", "192.0.2.1") },
    (edge) => void edge.plant(edge.zone.scope, { value: "192.0.2.1" }),
  ],
  ["wild_access_rule_not_found", `GET ${rules}/none`],
  ["wild_access_rule_validation_error", `POST ${rules}`, { body: block("ip_range", "198.51.100.0/22") }],
  ["wild_bad_identifier_7003", "GET /zones/invalid"],
  [
    "wild_entrypoint_missing_10003",
    "GET /zones/{zone}/rulesets/phases/http_request_firewall_custom/entrypoint",
  ],
  [
    "wild_list_items_duplicate_10028",
    "POST /accounts/{account}/rules/lists/{list}/items",
    { body: [{ ip: "192.0.2.1" }, { ip: "192.0.2.1/32" }] },
    (edge) => void edge.lists.plant("fail2ban"),
  ],
  [
    "wild_lists_quota_10038",
    "POST /accounts/{account}/rules/lists",
    { body: { name: "second", kind: "ip" } },
    (edge) => void edge.lists.plant("fail2ban"),
  ],
  ["wild_lists_invalid_token", "GET /accounts/{account}/rules/lists", { headers: unknown }],
  ["wild_lists_malformed_token", "GET /accounts/{account}/rules/lists", { headers: malformed }],
  [
    "wild_lists_token_without_permission",
    "GET /accounts/{account}/rules/lists",
    { headers: { Authorization: "Bearer test-token-limited" } },
    (edge) => void edge.grant("test-token-limited"),
  ],
  ["wild_rate_limited_971", "GET /zones", {}, (edge) => void (edge.limit = { calls: 0, windowMs: 1 })],
  ["wild_verify_invalid_token", "GET /user/tokens/verify", { headers: unknown }],
  ["wild_verify_malformed_token", "GET /user/tokens/verify", { headers: malformed }],
  ["wild_verify_missing_authorization", "GET /user/tokens/verify", { headers: {} }],
  ["wild_zones_invalid_token", "GET /zones", { headers: unknown }],
  ["wild_zones_malformed_token", "GET /zones", { headers: malformed }],
];

describe.skipIf(recorded.size === 0)("the fake answers as Cloudflare was seen to", () => {
  test.each([...cases])("%s", async (name, call, options = {}, prepare = () => {}) => {
    await using edge = fakeCloudflare();
    prepare(edge);
    const { status, body } = recorded.get(name) ?? { status: 0, body: {} };
    expect(await ask(edge, call, options)).toMatchObject({ status, body: { errors: body.errors } });
  });
});

describe.skipIf(recorded.size === 0 || contract === null)("recorded answers keep to the contract", () => {
  const paths: readonly (readonly [RegExp, method: string, path: string])[] = [
    [/^go-v0_(ip_access_rules|firewall_TestList)/, "GET", "/user/firewall/access_rules/rules"],
    [/^go-v0_firewall_Test(Access|Create|Update)/, "PATCH", "/user/firewall/access_rules/rules/1"],
    [/^go-v0_firewall_TestDelete/, "DELETE", "/user/firewall/access_rules/rules/1"],
    [/^wild_access_rule_delete/, "DELETE", "/zones/1/firewall/access_rules/rules/1"],
    [/^wild_access_rule_(dup|val|ip6)/, "POST", "/zones/1/firewall/access_rules/rules"],
    [/^wild_access_rule_not/, "GET", "/zones/1/firewall/access_rules/rules/1"],
    [/^wild_zone_access_rule/, "GET", "/zones/1/firewall/access_rules/rules"],
    [/^wild_lists_(inv|mal|tok)|^go-v0_list_TestListLists/, "GET", "/accounts/1/rules/lists"],
    [/^wild_lists_quota|^go-v0_list_TestCreateList$/, "POST", "/accounts/1/rules/lists"],
    [/^go-v0_list_Test(GetList|UpdateList)$/, "GET", "/accounts/1/rules/lists/1"],
    [/^go-v0_list_TestListsItems/, "GET", "/accounts/1/rules/lists/1/items"],
    [/^(wild_list_items_dup|go-v0_list_TestCreateListItems)/, "POST", "/accounts/1/rules/lists/1/items"],
    [/^go-v0_list_TestReplaceListItems/, "PUT", "/accounts/1/rules/lists/1/items"],
    [/^go-v0_list_TestDeleteListItems/, "DELETE", "/accounts/1/rules/lists/1/items"],
    [/^wild_bulk/, "GET", "/accounts/1/rules/lists/bulk_operations/1"],
    [/^wild_entrypoint/, "GET", "/zones/1/rulesets/phases/http_request_firewall_custom/entrypoint"],
    [/^wild_(verify|rate|too_many)/, "GET", "/user/tokens/verify"],
    [/^wild_zones/, "GET", "/zones"],
    [/^wild_ips/, "GET", "/ips"],
  ];
  const known = [...recorded.values()].flatMap((fixture) => {
    const path = paths.find(([pattern]) => pattern.test(fixture.name));
    return path === undefined ? [] : [[fixture.name, path[1], path[2], fixture] as const];
  });

  test.each(known)("%s", (_, method, path, { status, body }) => {
    expect(contract?.validateAnswer(method, path, status, body)).toEqual([]);
  });
});
