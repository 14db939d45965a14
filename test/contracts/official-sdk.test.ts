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
