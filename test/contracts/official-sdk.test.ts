import { describe, expect, test } from "bun:test";
import Cloudflare, { APIError } from "cloudflare";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";

/** Cloudflare's own client; credentials of the environment are kept out of it. */
function sdk(edge: FakeCloudflare, apiToken = edge.token): Cloudflare {
  const none = { apiKey: null, apiEmail: null, userServiceKey: null };
  return new Cloudflare({ apiToken, ...none, baseURL: edge.url, maxRetries: 0 });
}

const places = [
  {
    name: "zone",
    at: (edge: FakeCloudflare) => ({ zone_id: edge.zone.id }),
    scope: (edge: FakeCloudflare) => edge.zone.scope,
  },
  {
    name: "account",
    at: (edge: FakeCloudflare) => ({ account_id: edge.account.id }),
    scope: (edge: FakeCloudflare) => edge.account.scope,
  },
];

describe.each(places)("the official SDK in the $name scope", ({ at, scope }) => {
  test("creates a rule that blocks", async () => {
    await using edge = fakeCloudflare();
    const { accessRules } = sdk(edge).firewall;
    const configuration = { target: "ip6", value: "2001:db8::7" } as const;
    const rule = await accessRules.create({
      ...at(edge),
      mode: "block",
      configuration,
      notes: "Fail2Ban sshd",
    });
    expect(rule.configuration.value).toBe("2001:0db8:0000:0000:0000:0000:0000:0007");
    expect(edge.blocked(scope(edge))).toEqual(["2001:db8::7"]);
    expect(edge.violations).toEqual([]);
  });

  test("meets a rule that is there already", async () => {
    await using edge = fakeCloudflare();
    edge.plant(scope(edge), { value: "192.0.2.1" });
    const configuration = { target: "ip", value: "192.0.2.1" } as const;
    const creation = sdk(edge).firewall.accessRules.create({ ...at(edge), mode: "block", configuration });
    const error = await creation.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status: 400, errors: [{ code: 10009 }] });
    expect(edge.violations).toEqual([]);
  });

  test("lists every page", async () => {
    await using edge = fakeCloudflare();
    const values = Array.from({ length: 45 }, (_, i) => `192.0.2.${i}`);
    values.forEach((value) => edge.plant(scope(edge), { value }));
    const rules = await Array.fromAsync(sdk(edge).firewall.accessRules.list(at(edge)));
    expect(rules.map((rule) => rule.configuration.value)).toEqual(values);
    expect(edge.violations).toEqual([]);
  });

  test("lists what its filters select", async () => {
    await using edge = fakeCloudflare();
    edge.plant(scope(edge), { value: "192.0.2.1", notes: "Fail2Ban sshd" });
    edge.plant(scope(edge), { value: "192.0.2.2", notes: "by hand" });
    const { accessRules } = sdk(edge).firewall;
    const configuration = { target: "ip", value: "192.0.2.2" } as const;
    const byValue = await Array.fromAsync(accessRules.list({ ...at(edge), configuration }));
    const byNotes = await Array.fromAsync(accessRules.list({ ...at(edge), notes: "fail2ban" }));
    expect([byValue, byNotes].flat().map(({ notes }) => notes)).toEqual(["by hand", "Fail2Ban sshd"]);
    expect(edge.violations).toEqual([]);
  });

  test("reads, edits and deletes a rule", async () => {
    await using edge = fakeCloudflare();
    const planted = edge.plant(scope(edge), { value: "192.0.2.1" });
    const { accessRules } = sdk(edge).firewall;
    const { id, configuration } = await accessRules.get(planted.id, at(edge));
    await accessRules.edit(id, { ...at(edge), mode: "managed_challenge", notes: "later", configuration });
    expect(edge.rules()).toMatchObject([{ mode: "managed_challenge", notes: "later" }]);
    expect(await accessRules.delete(id, at(edge))).toEqual({ id });
    expect(edge.rules()).toEqual([]);
    expect(edge.violations).toEqual([]);
  });

  test("gets null for deleting a rule that is gone, and not found for reading it", async () => {
    await using edge = fakeCloudflare();
    const { accessRules } = sdk(edge).firewall;
    expect(await accessRules.delete("none", at(edge))).toBeNull();
    const refusal = await accessRules.get("none", at(edge)).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ status: 404, errors: [{ code: 10001 }] });
    expect(edge.violations).toEqual([]);
  });
});

test("the official SDK finds a zone by its name, and all of them", async () => {
  const names = Array.from({ length: 21 }, (_, i) => `site${i}.example.com`);
  await using edge = fakeCloudflare({ zones: names.map((name) => ({ name })) });
  const { zones } = sdk(edge);
  const found = await Array.fromAsync(
    zones.list({ name: "site7.example.com", account: { id: edge.account.id } }),
  );
  expect(found.map(({ name }) => name)).toEqual(["site7.example.com"]);
  expect((await Array.fromAsync(zones.list({ per_page: 5 }))).map(({ name }) => name)).toEqual(names);
  expect(edge.violations).toEqual([]);
});

describe("the official SDK and lists", () => {
  const account = (edge: FakeCloudflare) => ({ account_id: edge.account.id });

  test("makes, describes, shows and deletes a list", async () => {
    await using edge = fakeCloudflare();
    const { lists } = sdk(edge).rules;
    const made = await lists.create({ ...account(edge), name: "fail2ban", kind: "ip" });
    await lists.update(made.id, { ...account(edge), description: "bans" });
    const all = await Array.fromAsync(lists.list(account(edge)));
    expect(all).toMatchObject([{ id: made.id, name: "fail2ban", description: "bans", num_items: 0 }]);
    expect(await lists.delete(made.id, account(edge))).toMatchObject({ id: made.id });
    expect(edge.lists.names()).toEqual([]);
    expect(edge.violations).toEqual([]);
  });

  test("adds, pages through, replaces and deletes items, and follows the operations", async () => {
    await using edge = fakeCloudflare();
    const { id } = edge.lists.plant("fail2ban");
    const { items, bulkOperations } = sdk(edge).rules.lists;
    const ended = async ({ operation_id }: { operation_id: string }) =>
      expect(await bulkOperations.get(operation_id, account(edge))).toMatchObject({ status: "completed" });
    const body = Array.from({ length: 30 }, (_, last) => ({
      ip: `192.0.2.${last}`,
      comment: "Fail2Ban sshd",
    }));
    await ended(await items.create(id, { ...account(edge), body }));
    const found = await Array.fromAsync(items.list(id, { ...account(edge), per_page: 7 }));
    expect(found.map((item) => "ip" in item && item.ip)).toEqual(body.map(({ ip }) => ip));
    const [first] = edge.lists.items("fail2ban");
    expect(await items.get(first?.id ?? "", { ...account(edge), list_id: id })).toMatchObject({
      ip: "192.0.2.0",
      comment: "Fail2Ban sshd",
    });
    await ended(await items.update(id, { ...account(edge), body: body.slice(0, 2) }));
    await ended(await items.delete(id, { ...account(edge), items: [{ id: first?.id ?? "" }] }));
    expect(edge.lists.items("fail2ban").map(({ ip }) => ip)).toEqual(["192.0.2.1"]);
    expect(edge.violations).toEqual([]);
  });
});

test("the official SDK makes, adds, edits and deletes custom rules", async () => {
  await using edge = fakeCloudflare();
  edge.lists.plant("fail2ban");
  const { phases, rules } = sdk(edge).rulesets;
  const zone = { zone_id: edge.zone.id };
  const phase = "http_request_firewall_custom";
  const missing = await phases.get(phase, zone).catch((error: unknown) => error);
  expect(missing).toMatchObject({ status: 404, errors: [{ code: 10003 }] });
  const rule = { action: "block", expression: "(ip.src in $fail2ban)", description: "ours" } as const;
  const { id: ruleset_id } = (await phases.update(phase, { ...zone, rules: [rule] })) as { id: string };
  await rules.create(ruleset_id, { ...zone, ...rule, description: "second" });
  const made = edge.customRules.of();
  await rules.edit(made[1]?.id ?? "", { ...zone, ...rule, ruleset_id, action: "managed_challenge" });
  await rules.delete(made[0]?.id ?? "", { ...zone, ruleset_id });
  expect(edge.customRules.of()).toMatchObject([
    { id: made[1]?.id, action: "managed_challenge", version: "2" },
  ]);
  expect(edge.violations).toEqual([]);
});

test("the official SDK lists accounts and Cloudflare's own ranges", async () => {
  await using edge = fakeCloudflare();
  const client = sdk(edge);
  const accounts = await Array.fromAsync(client.accounts.list());
  expect(accounts.map(({ id }) => id)).toEqual([edge.account.id]);
  expect(await client.ips.list()).toMatchObject({
    ipv4_cidrs: edge.ranges.ipv4,
    ipv6_cidrs: edge.ranges.ipv6,
  });
  expect(edge.violations).toEqual([]);
});

test("the official SDK verifies a user's and an account's token", async () => {
  await using edge = fakeCloudflare();
  const account = { account_id: edge.account.id };
  expect(await sdk(edge).user.tokens.verify()).toMatchObject({ status: "active" });
  expect(await sdk(edge, edge.accountToken).accounts.tokens.verify(account)).toMatchObject({
    status: "active",
  });
  const unknown = sdk(edge, "test-token-unknown").user.tokens.verify();
  expect(await unknown.catch((error: unknown) => error)).toMatchObject({ status: 401 });
  expect(edge.violations).toEqual([]);
});

test("the official SDK works with the Global API Key", async () => {
  await using edge = fakeCloudflare();
  const { email, apiKey, url } = edge;
  const client = new Cloudflare({ apiEmail: email, apiKey, apiToken: null, baseURL: url, maxRetries: 0 });
  expect((await Array.fromAsync(client.zones.list())).map(({ name }) => name)).toEqual(["example.com"]);
});
