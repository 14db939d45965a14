import { describe, expect, test } from "bun:test";
import { ask } from "../support/cloudflare/ask.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";

const places = [
  { name: "user", at: "/user", scope: (edge: FakeCloudflare) => edge.user.scope, type: "user" },
  {
    name: "account",
    at: "/accounts/{account}",
    scope: (edge: FakeCloudflare) => edge.account.scope,
    type: "organization",
  },
  {
    name: "zone",
    at: "/zones/{zone}",
    scope: (edge: FakeCloudflare) => edge.zone.scope,
    type: "zone",
  },
];

const rules = "/zones/{zone}/firewall/access_rules/rules";
const byKey = (edge: FakeCloudflare) => ({ "X-Auth-Email": edge.email, "X-Auth-Key": edge.apiKey });
const block = (target: string, value: string) => ({ mode: "block", configuration: { target, value } });
const messageOf = (message: string) => ({ body: { success: false, errors: [{ message }], result: null } });

describe.each(places)("access rules of the $name", ({ at, scope, type }) => {
  test("a created rule blocks its address in that scope alone", async () => {
    await using edge = fakeCloudflare();
    const body = { ...block("ip", "203.0.113.7"), notes: "Fail2Ban sshd" };
    const answer = await ask(edge, `POST ${at}/firewall/access_rules/rules`, {
      body,
      headers: byKey(edge),
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { success: true, result: { ...body, scope: { type } } },
    });
    expect(edge.blocked(scope(edge))).toEqual(["203.0.113.7"]);
    expect(edge.rules().map((rule) => rule.scope.type)).toEqual([type]);
    expect(edge.violations).toEqual([]);
  });

  test("a rule can be read, edited in mode and notes, and deleted", async () => {
    await using edge = fakeCloudflare();
    const { id } = edge.plant(scope(edge), { value: "203.0.113.7" });
    const rule = `${at}/firewall/access_rules/rules/${id}`;
    const headers = byKey(edge);
    expect(await ask(edge, `GET ${rule}`, { headers })).toMatchObject({
      status: 200,
      body: { result: { id } },
    });
    const body = {
      mode: "whitelist",
      notes: "a friend",
      configuration: { target: "ip", value: "203.0.113.8" },
    };
    await ask(edge, `PATCH ${rule}`, { headers, body });
    expect(edge.rules()).toMatchObject([
      { mode: "whitelist", notes: "a friend", configuration: { value: "203.0.113.7" } },
    ]);
    expect(edge.blocked()).toEqual([]);
    expect(await ask(edge, `DELETE ${rule}`, { headers })).toMatchObject({
      status: 200,
      body: { result: { id } },
    });
    expect(edge.rules()).toEqual([]);
    expect(edge.violations).toEqual([]);
  });

  test("a rule that is gone: 10001 to read or edit, success without a result to delete", async () => {
    await using edge = fakeCloudflare();
    const { id } = edge.plant(scope(edge), { value: "203.0.113.7" });
    edge.remove(id);
    const rule = `${at}/firewall/access_rules/rules/${id}`;
    const gone = { body: { success: false, errors: [{ code: 10001 }] } };
    const headers = byKey(edge);
    expect(await ask(edge, `GET ${rule}`, { headers })).toMatchObject(gone);
    expect(await ask(edge, `PATCH ${rule}`, { headers, body: { mode: "block" } })).toMatchObject(gone);
    const deleted = await ask(edge, `DELETE ${rule}`, { headers });
    expect(deleted).toMatchObject({ status: 200, body: { success: true, result: null } });
    expect(edge.violations).toEqual([]);
  });
});

describe("create", () => {
  test.each([
    ["ip", "192.0.2.1", "192.0.2.1"],
    ["ip6", "2001:DB8::7", "2001:0db8:0000:0000:0000:0000:0000:0007"],
    ["ip_range", "198.51.100.4/24", "198.51.100.0/24"],
    ["ip_range", "198.51.0.0/16", "198.51.0.0/16"],
    ["ip_range", "2001:db8::/32", "2001:0db8:0000:0000:0000:0000:0000:0000/32"],
    ["ip_range", "2001:db8:1::/48", "2001:0db8:0001:0000:0000:0000:0000:0000/48"],
    ["ip_range", "2001:db8:1:2::7/64", "2001:0db8:0001:0002:0000:0000:0000:0000/64"],
    ["asn", "as64496", "AS64496"],
    ["country", "t1", "T1"],
  ])("%s %p is stored as %p", async (target, value, stored) => {
    await using edge = fakeCloudflare();
    await ask(edge, `POST ${rules}`, { body: block(target, value) });
    expect(edge.rules()).toMatchObject([{ configuration: { target, value: stored } }]);
    expect(edge.violations).toEqual([]);
  });

  test.each([
    ["ip", "2001:db8::7", "invalid ip provided"],
    ["ip", "192.0.2.1/32", "invalid ip provided"],
    ["ip", "192.0.2.01", "invalid ip provided"],
    ["ip", "192.0.2", "invalid ip provided"],
    ["ip", "", "invalid ip provided"],
    ["ip6", "192.0.2.1", "invalid ip provided"],
    ["ip6", "2001:db8::7/128", "invalid ip provided"],
    ["ip_range", "192.0.2.1", "invalid ip provided"],
    ["ip_range", "198.51.100.0/22", "invalid ip provided"],
    ["ip_range", "192.0.2.0/32", "invalid ip provided"],
    ["ip_range", "2001:db8::/66", "invalid ip provided"],
    ["ip_range", "2001:db8::/129", "invalid ip provided"],
    ["asn", "64496", "invalid asn provided"],
    ["country", "Utopia", "invalid country provided"],
    ["subnet", "192.0.2.0/24", "unsupported target received: subnet"],
  ])("%s %p is refused and leaves nothing", async (target, value, reason) => {
    await using edge = fakeCloudflare({ contract: "off" });
    const answer = await ask(edge, `POST ${rules}`, { body: block(target, value) });
    expect(answer).toMatchObject({
      status: 400,
      ...messageOf(`firewallaccessrules.api.validation_error:${reason}`),
    });
    expect(edge.rules()).toEqual([]);
  });

  test("every reason stands in the one message of a validation error", async () => {
    await using edge = fakeCloudflare({ contract: "off" });
    const reasons = "unsupported target received: ,invalid mode received: ";
    expect(await ask(edge, `POST ${rules}`, { body: {} })).toMatchObject(
      messageOf(`firewallaccessrules.api.validation_error:${reasons}`),
    );
  });

  test.each(["", "{", "7"])("the body %p is refused", async (body) => {
    await using edge = fakeCloudflare({ contract: "off" });
    expect(await ask(edge, `POST ${rules}`, { body })).toMatchObject({ status: 400 });
  });

  test.each([
    ["the same rule", "192.0.2.1", "block"],
    ["another mode", "192.0.2.1", "challenge"],
    ["another spelling", "2001:0db8:0:0::7", "block"],
  ])("a second rule for the same target and value is refused: %s", async (_, value, mode) => {
    await using edge = fakeCloudflare();
    edge.plant(edge.zone.scope, { value: "192.0.2.1" });
    edge.plant(edge.zone.scope, { value: "2001:db8::7" });
    const target = value.includes(":") ? "ip6" : "ip";
    const answer = await ask(edge, `POST ${rules}`, { body: { ...block(target, value), mode } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ code: 10009 }] } });
    expect(edge.rules()).toHaveLength(2);
    expect(edge.violations).toEqual([]);
  });

  test("the same address can be blocked in two scopes, and counts once", async () => {
    await using edge = fakeCloudflare();
    edge.plant(edge.account.scope, { value: "192.0.2.1" });
    await ask(edge, `POST ${rules}`, { body: block("ip", "192.0.2.1") });
    expect(edge.rules()).toHaveLength(2);
    expect(edge.blocked()).toEqual(["192.0.2.1"]);
  });

  test("a removed rule makes room for the same address", async () => {
    await using edge = fakeCloudflare();
    edge.remove(edge.plant(edge.zone.scope, { value: "192.0.2.1" }).id);
    await ask(edge, `POST ${rules}`, { body: block("ip", "192.0.2.1") });
    expect(edge.blocked()).toEqual(["192.0.2.1"]);
  });

  test("notes come back HTML-escaped and are stored as they were sent", async () => {
    await using edge = fakeCloudflare();
    const body = { ...block("ip", "192.0.2.1"), notes: `<a> & "b"` };
    const answer = await ask(edge, `POST ${rules}`, { body });
    expect(answer).toMatchObject({ body: { result: { notes: "&lt;a&gt; &amp; &#34;b&#34;" } } });
    expect(edge.rules()).toMatchObject([{ notes: `<a> & "b"` }]);
  });
});

describe("delete", () => {
  test.each([undefined, { cascade: "none" }])("body %p deletes the rule", async (body) => {
    await using edge = fakeCloudflare();
    const { id } = edge.plant(edge.zone.scope, { value: "192.0.2.1" });
    await ask(edge, `DELETE ${rules}/${id}`, { body });
    expect(edge.rules()).toEqual([]);
    expect(edge.violations).toEqual([]);
  });

  test("a rule of another scope stays", async () => {
    await using edge = fakeCloudflare();
    const { id } = edge.plant(edge.account.scope, { value: "192.0.2.1" });
    expect(await ask(edge, `DELETE ${rules}/${id}`)).toMatchObject({ body: { result: null } });
    expect(edge.blocked()).toEqual(["192.0.2.1"]);
  });
});

describe("list", () => {
  function withRules(): FakeCloudflare {
    const edge = fakeCloudflare();
    const { scope } = edge.zone;
    edge.plant(scope, { value: "192.0.2.1", notes: "Fail2Ban sshd" });
    edge.plant(scope, { value: "2001:db8::7", notes: "Fail2Ban nginx", mode: "challenge" });
    edge.plant(scope, { value: "198.51.100.0/24", notes: "by hand", mode: "whitelist" });
    edge.plant(scope, { value: "AS64496" });
    return edge;
  }
  const long = "2001:0db8:0000:0000:0000:0000:0000:0007";

  test.each([
    ["", ["192.0.2.1", long, "198.51.100.0/24", "AS64496"]],
    ["configuration.target=ip", ["192.0.2.1"]],
    ["configuration_target=ip6", [long]],
    ["configuration.value=192.0.2.1", ["192.0.2.1"]],
    ["configuration_value=192.0.2.1", ["192.0.2.1"]],
    [`configuration.value=${long}`, [long]],
    ["configuration.value=2001:db8::7", []],
    ["configuration.target=ip&configuration.value=198.51.100.0/24", []],
    [
      "configuration.target=ip&configuration.value=198.51.100.0/24&match=any",
      ["192.0.2.1", "198.51.100.0/24"],
    ],
    ["notes=fail2ban", ["192.0.2.1", long]],
    ["notes=fail2ban&mode=block", ["192.0.2.1"]],
    ["mode=whitelist", ["198.51.100.0/24"]],
    ["order=mode", ["192.0.2.1", "AS64496", long, "198.51.100.0/24"]],
    ["order=configuration.value&direction=desc", ["AS64496", long, "198.51.100.0/24", "192.0.2.1"]],
    ["page=2&per_page=3", ["AS64496"]],
    ["page=3&per_page=3", []],
  ])("%p gives %p", async (query, values) => {
    await using edge = withRules();
    const result = values.map((value) => ({ configuration: { value } }));
    const answer = await ask(edge, `GET ${rules}?${query}`);
    expect(answer).toMatchObject({ status: 200, body: { result, result_info: { count: values.length } } });
    expect(edge.violations).toEqual([]);
  });

  test.each(["per_page=101", "per_page=0", "page=0", "mode=nonsense"])("%p is refused", async (query) => {
    await using edge = fakeCloudflare({ contract: "off" });
    expect(await ask(edge, `GET ${rules}?${query}`)).toMatchObject({ status: 400 });
  });

  test("a page has 20 rules unless asked otherwise, and tells how many there are", async () => {
    await using edge = fakeCloudflare();
    Array.from({ length: 21 }, (_, i) => edge.plant(edge.zone.scope, { value: `192.0.2.${i}` }));
    const result_info = { page: 1, per_page: 20, count: 20, total_count: 21, total_pages: 2 };
    expect(await ask(edge, `GET ${rules}`)).toMatchObject({ body: { result_info } });
  });

  test("the short form of an IPv6 address finds it where the test says so", async () => {
    await using edge = withRules();
    edge.filterMatchesCompressedIpv6 = true;
    const answer = await ask(edge, `GET ${rules}?configuration.value=2001:db8::7`);
    expect(answer).toMatchObject({ body: { result: [{ configuration: { value: long } }] } });
  });

  test("a zone has the rules of its account and user where the test says so", async () => {
    await using edge = fakeCloudflare();
    edge.plant(edge.user.scope, { value: "192.0.2.1" });
    edge.plant(edge.account.scope, { value: "192.0.2.2" });
    expect(await ask(edge, `GET ${rules}`)).toMatchObject({ body: { result: [] } });
    edge.zoneListsInheritedRules = true;
    expect(await ask(edge, `GET ${rules}`)).toMatchObject({
      body: { result: [{ scope: { type: "organization" } }, { scope: { type: "user" } }] },
    });
  });
});

describe("directory", () => {
  const zones = ["example.com", "example.net", "example.org"].map((name) => ({ name }));
  const other = "0123456789abcdef0123456789abcdef";

  test.each([
    ["", ["example.com", "example.net", "example.org", "shop.example.com"]],
    ["name=example.com", ["example.com"]],
    ["name=www.example.com", []],
    ["name=ends_with:example.com", ["example.com", "shop.example.com"]],
    [`account.id=${other}`, ["shop.example.com"]],
    [`account.id=${other}&name=example.com`, []],
    ["per_page=5&page=2", []],
  ])("zones for %p are %p", async (query, names) => {
    await using edge = fakeCloudflare({ zones: [...zones, { name: "shop.example.com", accountId: other }] });
    const result = names.map((name) => ({ name, id: expect.stringMatching(/^[0-9a-f]{32}$/) }));
    expect(await ask(edge, `GET /zones?${query}`)).toMatchObject({ status: 200, body: { result } });
    expect(edge.violations).toEqual([]);
  });

  test.each(["per_page=4", "per_page=51"])("zones for %p are refused", async (query) => {
    await using edge = fakeCloudflare({ contract: "off" });
    expect(await ask(edge, `GET /zones?${query}`)).toMatchObject({ status: 400 });
  });

  test("a zone keeps the id it is given and the name's own id otherwise", async () => {
    await using one = fakeCloudflare({
      zones: [{ name: "example.com" }, { name: "example.net", id: other }],
    });
    await using two = fakeCloudflare();
    expect(one.zones.map(({ id }) => id)).toEqual([two.zone.id, other]);
  });

  test("accounts are listed", async () => {
    await using edge = fakeCloudflare();
    expect(await ask(edge, "GET /accounts")).toMatchObject({ body: { result: [{ id: edge.account.id }] } });
    expect(edge.violations).toEqual([]);
  });

  test("Cloudflare's own ranges need no credential", async () => {
    await using edge = fakeCloudflare();
    edge.ranges = { ipv4: ["198.51.100.0/24"], ipv6: ["2001:db8:c::/48"] };
    const result = { ipv4_cidrs: ["198.51.100.0/24"], ipv6_cidrs: ["2001:db8:c::/48"] };
    expect(await ask(edge, "GET /ips", { headers: {} })).toMatchObject({ status: 200, body: { result } });
    expect(edge.violations).toEqual([]);
  });

  test.each([
    ["/radar", 7003],
    ["/zones/invalid/firewall/access_rules/rules", 7003],
    ["/zones//firewall/access_rules/rules", 7003],
    [`/zones/${other}/firewall/access_rules/rules`, 7003],
    [`/accounts/${other}/firewall/access_rules/rules`, 7003],
    ["/accounts/invalid/tokens/verify", 7003],
  ])("%p leads nowhere", async (path, code) => {
    await using edge = fakeCloudflare();
    expect(await ask(edge, `GET ${path}`)).toMatchObject({ status: 404, body: { errors: [{ code }, {}] } });
  });
});

describe("state", () => {
  test("blocked addresses are in short form, sorted, each once, and none that is let in", async () => {
    await using edge = fakeCloudflare();
    edge.plant(edge.zone.scope, { value: "2001:db8:0:0::7" });
    edge.plant(edge.zone.scope, { value: "203.0.113.0/24", mode: "js_challenge" });
    edge.plant(edge.zone.scope, { value: "192.0.2.1", mode: "whitelist" });
    edge.plant(edge.zone.scope, { value: "AS64496" });
    edge.plant(edge.account.scope, { value: "2001:db8::7" });
    expect(edge.blocked()).toEqual(["2001:db8::7", "203.0.113.0/24"]);
    expect(edge.blocked(edge.account.scope)).toEqual(["2001:db8::7"]);
    expect(edge.blocked(edge.user.scope)).toEqual([]);
  });

  test("a rule carries the moments of its making and of its last change", async () => {
    let now = 1_000;
    await using edge = fakeCloudflare({ now: () => now });
    const { id } = edge.plant(edge.zone.scope, { value: "192.0.2.1" });
    now = 2_000;
    await ask(edge, `PATCH ${rules}/${id}`, { body: { notes: "later" } });
    expect(edge.rules()).toMatchObject([
      { created_on: "1970-01-01T00:00:01.000Z", modified_on: "1970-01-01T00:00:02.000Z" },
    ]);
  });

  test("calls tell everything but the credential", async () => {
    await using edge = fakeCloudflare({ now: () => 7 });
    await ask(edge, "GET /zones?name=example.com");
    await ask(edge, "GET /zones", { headers: byKey(edge) });
    await ask(edge, "GET /ips", { headers: {} });
    expect(edge.calls).toEqual([
      {
        method: "GET",
        path: "/zones",
        query: { name: "example.com" },
        body: undefined,
        at: 7,
        status: 200,
        authorization: "token",
      },
      { method: "GET", path: "/zones", query: {}, body: undefined, at: 7, status: 200, authorization: "key" },
      { method: "GET", path: "/ips", query: {}, body: undefined, at: 7, status: 200, authorization: "none" },
    ]);
  });

  test("two fakes side by side share nothing", async () => {
    await using one = fakeCloudflare();
    await using two = fakeCloudflare();
    one.plant(one.zone.scope, { value: "192.0.2.1" });
    expect(two.blocked()).toEqual([]);
  });
});
