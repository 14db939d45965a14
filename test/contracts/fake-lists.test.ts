import { describe, expect, test } from "bun:test";
import { ask } from "../support/cloudflare/ask.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";

const lists = "/accounts/{account}/rules/lists";
const items = `${lists}/{list}/items`;
const ips = (edge: FakeCloudflare) => edge.lists.items("fail2ban").map(({ ip }) => ip);

/** A fake with one empty list, by a clock of the test's. */
function withList(now = Date.now) {
  const edge = fakeCloudflare({ now });
  edge.lists.plant("fail2ban");
  return edge;
}

async function resultOf(asking: ReturnType<typeof ask>): Promise<any> {
  const { body } = await asking;
  return Object(body).result;
}

describe("items", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["203.0.113.7/32", "203.0.113.7"],
    ["198.51.100.9/30", "198.51.100.8/30"],
    ["198.0.0.0/8", "198.0.0.0/8"],
    ["2001:0DB8:0:0::7", "2001:db8::7"],
    ["2001:db8::7/128", "2001:db8::7"],
    ["2001:db8:1:2:3::/66", "2001:db8:1:2::/66"],
    ["2000::/12", "2000::/12"],
  ])("%s is stored as %s", async (sent, stored) => {
    await using edge = withList();
    expect((await ask(edge, `POST ${items}`, { body: [{ ip: sent }] })).status).toBe(200);
    expect(ips(edge)).toEqual([stored]);
    expect(edge.violations).toEqual([]);
  });

  test.each(["198.0.0.0/7", "2000::/11", "192.0.2.0/33", "example.com", "", null])(
    "%p is refused, with all that came with it",
    async (ip) => {
      await using edge = withList();
      edge.lists.plantItem("fail2ban", "192.0.2.9");
      const body = [{ ip: "192.0.2.1" }, { ip }];
      expect((await ask(edge, `POST ${items}`, { body })).status).toBe(400);
      expect(ips(edge)).toEqual(["192.0.2.9"]);
    },
  );

  test("an item that is there is replaced by its comment alone, and keeps its id", async () => {
    await using edge = withList();
    edge.lists.plantItem("fail2ban", "192.0.2.1", "by hand");
    const before = edge.lists.items("fail2ban");
    await ask(edge, `POST ${items}`, { body: [{ ip: "192.0.2.1", comment: `<"&'>` }] });
    expect(edge.lists.items("fail2ban")).toMatchObject([{ id: before[0]?.id, comment: `<"&'>` }]);
  });

  test("PUT replaces everything, and an empty array empties the list", async () => {
    await using edge = withList();
    edge.lists.plantItem("fail2ban", "192.0.2.1");
    await ask(edge, `PUT ${items}`, { body: [{ ip: "192.0.2.2" }] });
    expect(ips(edge)).toEqual(["192.0.2.2"]);
    await ask(edge, `PUT ${items}`, { body: [] });
    expect(ips(edge)).toEqual([]);
  });

  test("DELETE takes ids; whether one that is gone spoils it is the test's choice", async () => {
    await using edge = withList();
    for (const ip of ["192.0.2.1", "192.0.2.2"]) edge.lists.plantItem("fail2ban", ip);
    const [one, two] = edge.lists.items("fail2ban").map(({ id }) => ({ id }));
    edge.lists.removeItem("fail2ban", "192.0.2.1");
    edge.lists.removalNeedsEveryId = true;
    expect((await ask(edge, `DELETE ${items}`, { body: { items: [one, two] } })).status).toBe(400);
    edge.lists.removalNeedsEveryId = false;
    expect((await ask(edge, `DELETE ${items}`, { body: { items: [one, two] } })).status).toBe(200);
    expect(ips(edge)).toEqual([]);
  });

  test("pages of up to 500 follow each other by their cursors, sorted by address", async () => {
    await using edge = withList();
    const planted = Array.from({ length: 600 }, (_, index) => `192.0.${2 + (index >> 8)}.${index & 255}`);
    for (const ip of planted.toReversed()) edge.lists.plantItem("fail2ban", ip);
    const first = await ask(edge, `GET ${items}?per_page=500`);
    const { after } = Object(first.body).result_info.cursors;
    const second = await ask(edge, `GET ${items}?per_page=500&cursor=${after}`);
    const found = [first, second].flatMap(({ body }) => Object(body).result);
    expect(found.map(({ ip }) => ip)).toEqual(planted);
    expect(Object(second.body).result_info.cursors).toEqual({ before: expect.any(String) });
    expect(edge.violations).toEqual([]);
    expect(await ask(edge, `GET ${items}?per_page=501`)).toMatchObject({
      status: 400,
      body: { errors: [{ code: 10027 }] },
    });
  });

  test("a search finds what begins with it, and no network around it", async () => {
    await using edge = withList();
    for (const ip of ["192.0.2.1", "192.0.2.10", "192.0.2.0/24", "2001:db8::1"])
      edge.lists.plantItem("fail2ban", ip);
    const found = await resultOf(ask(edge, `GET ${items}?search=192.0.2.1`));
    expect(found.map(({ ip }: { ip: string }) => ip)).toEqual(["192.0.2.1", "192.0.2.10"]);
  });
});

describe("bulk operations", () => {
  const post = (edge: FakeCloudflare, ip: string) => ask(edge, `POST ${items}`, { body: [{ ip }] });
  const state = async (edge: FakeCloudflare, id: string) =>
    resultOf(ask(edge, `GET ${lists}/bulk_operations/${id}`));

  test("one is running for its time, does all at its end, and shuts out every other of the account", async () => {
    let at = 0;
    await using edge = withList(() => at);
    edge.lists.bulk.delayMs = 2_000;
    const { operation_id } = await resultOf(post(edge, "192.0.2.1"));
    at = 1_999;
    expect(await state(edge, operation_id)).toEqual({ id: operation_id, status: "running" });
    expect((await post(edge, "192.0.2.2")).status).toBe(429);
    expect(ips(edge)).toEqual([]);
    at = 2_000;
    expect(await state(edge, operation_id)).toMatchObject({ status: "completed" });
    expect(ips(edge)).toEqual(["192.0.2.1"]);
    expect((await post(edge, "192.0.2.2")).status).toBe(200);
    expect([edge.lists.bulk.begun, edge.lists.bulk.refused]).toEqual([2, 1]);
    expect(edge.violations).toEqual([]);
  });

  test("another tool's shuts us out as well", async () => {
    let at = 0;
    await using edge = withList(() => at);
    edge.lists.occupy(5_000);
    const refused = await post(edge, "192.0.2.1");
    expect([refused.status, refused.headers.has("Retry-After")]).toEqual([429, false]);
    at = 5_000;
    expect((await post(edge, "192.0.2.1")).status).toBe(200);
  });

  test("every change of an item is told with its moment, though nobody looked then", async () => {
    let at = 0;
    await using edge = withList(() => at);
    const told: unknown[] = [];
    edge.lists.onChange = ({ kind, item: { ip, comment }, at }) => void told.push([kind, ip, comment, at]);
    edge.lists.bulk.delayMs = 2_000;
    await ask(edge, `POST ${items}`, { body: [{ ip: "192.0.2.1", comment: "first" }] });
    at = 5_000;
    expect(ips(edge)).toEqual(["192.0.2.1"]);
    edge.lists.plantItem("fail2ban", "192.0.2.1", "second");
    edge.lists.removeItem("fail2ban", "192.0.2.1");
    expect(told).toEqual([
      ["added", "192.0.2.1", "first", 2_000],
      ["changed", "192.0.2.1", "first", 5_000],
      ["removed", "192.0.2.1", "second", 5_000],
    ]);
  });

  test("one with more items than all lists may hold fails as a whole, in Cloudflare's words", async () => {
    await using edge = withList();
    edge.lists.plan.lists = 2;
    edge.lists.plan.items = 3;
    edge.lists.plant("other");
    for (const ip of ["192.0.2.1", "192.0.2.2"]) edge.lists.plantItem("other", ip);
    const body = [{ ip: "192.0.2.3" }, { ip: "192.0.2.4" }];
    const { operation_id } = await resultOf(ask(edge, `POST ${items}`, { body }));
    expect(await state(edge, operation_id)).toMatchObject({
      status: "failed",
      error: "This list is at the maximum number of items",
    });
    expect(ips(edge)).toEqual([]);
    expect(edge.violations).toEqual([]);
  });

  test("a poisoned item fails its whole operation", async () => {
    await using edge = withList();
    edge.lists.bulk.poison = ({ ip }) => (ip === "192.0.2.2" ? "cannot take 192.0.2.2" : null);
    const body = [{ ip: "192.0.2.1" }, { ip: "192.0.2.2" }];
    const { operation_id } = await resultOf(ask(edge, `POST ${items}`, { body }));
    expect(await state(edge, operation_id)).toMatchObject({ error: "cannot take 192.0.2.2" });
    expect(ips(edge)).toEqual([]);
  });
});

test.each([
  ["GET", "Account Filter Lists Read", 200],
  ["POST", "Account Filter Lists Read", 403],
  ["GET", "Account Firewall Access Rules Write", 403],
] as const)("%s of lists with %p answers %i", async (method, permission, status) => {
  await using edge = fakeCloudflare();
  edge.grant("test-token-limited", { permissions: [permission] });
  const options = {
    headers: { Authorization: "Bearer test-token-limited" },
    ...(method === "POST" ? { body: { name: "fail2ban", kind: "ip" } } : {}),
  };
  expect((await ask(edge, `${method} ${lists}`, options)).status).toBe(status);
});

test("a list in an enabled rule of a zone blocks there, and cannot be deleted", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  edge.lists.plant("fail2ban");
  edge.lists.plantItem("fail2ban", "203.0.113.7");
  expect(edge.blocked()).toEqual([]);
  edge.customRules.plant({ action: "block", expression: "(ip.src in $fail2ban)" });
  expect(edge.zones.map(({ scope }) => edge.blocked(scope))).toEqual([["203.0.113.7"], []]);
  expect((await ask(edge, `DELETE ${lists}/{list}`)).status).toBe(400);
  edge.customRules.change(edge.customRules.of()[0]?.id ?? "", { enabled: false });
  expect(edge.blocked()).toEqual([]);
});
