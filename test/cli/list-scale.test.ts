import { expect, test } from "bun:test";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { callsOf, holdMany, listConfig, listSite, releaseMany, stormAddress } from "../support/list-site.ts";
import type { Site } from "../support/site.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const addresses = (indexes: readonly number[]) => indexes.map(stormAddress).toSorted();

test("10,000 bans from a cold start take at most 25 calls, and one on top of them at most 3", async () => {
  await using both = listSite({ capacity: "20000" });
  const { edge, web } = both;
  edge.lists.plan.items = 20_000;
  await holdMany(web, upTo(10_000));
  expect((await web.deliverOnce()).code).toBe(0);
  expect(edge.blocked()).toEqual(addresses(upTo(10_000)));
  console.info(`10,000 bans from a cold start: ${edge.calls.length} calls`);
  expect(edge.calls.length).toBeLessThanOrEqual(25);

  const cold = edge.calls.length;
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(0);
  expect(edge.blocked()).toContain("203.0.113.7");
  console.info(`one ban on top: ${callsOf(edge, cold).length} calls`);
  expect(callsOf(edge, cold)).toEqual([
    "GET /accounts/…/rules/lists/…/items?search=203.0.113.7&per_page=500",
    "POST /accounts/…/rules/lists/…/items",
    "GET /accounts/…/rules/lists/bulk_operations/…",
  ]);

  const before = edge.calls.length;
  await releaseMany(web, upTo(10_000));
  expect((await web.deliverOnce()).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  console.info(`10,000 unbans, none of their ids known: ${edge.calls.length - before} calls`);
  expect(edge.calls.length - before).toBeLessThanOrEqual(30);
  expect(edge.violations).toEqual([]);
}, 300_000);

test("of 12,000 holds the newest 10,000 are in the list; after 3,000 unbans all that is held is", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await holdMany(web, upTo(12_000));
  expect((await web.deliver()).code).toBe(0);
  expect(edge.blocked()).toEqual(addresses(upTo(12_000).slice(2_000)));
  const warnings = () => web.log().match(/oldest bans are not at the edge/g)?.length;
  expect(web.log()).toContain("2000 of the oldest bans are not at the edge: its lists have room for 10000");
  const status = JSON.parse((await web.run("status --json")).stdout);
  expect(status).toMatchObject({ networks: 12_000, atEdge: 10_000, pending: 0, outForCapacity: 2_000 });
  const shown = await web.run("list --json");
  const outside = JSON.parse(shown.stdout).holds.filter(
    ({ state }: { state: string }) => state === "outside",
  );
  expect(outside).toHaveLength(2_000);

  await holdMany(web, [12_000]);
  await web.deliver();
  expect(edge.blocked()).toEqual(addresses([...upTo(12_000).slice(2_001), 12_000]));
  expect(warnings()).toBe(1);

  // Every fourth one, of those that are in and of those that are out.
  const gone = new Set(upTo(12_000).filter((index) => index % 4 === 0));
  const calls = edge.calls.length;
  await releaseMany(web, gone);
  expect((await web.deliver()).code).toBe(0);
  const held = [...upTo(12_000), 12_000].filter((index) => !gone.has(index));
  expect([gone.size, held.length]).toEqual([3_000, 9_001]);
  expect(edge.blocked()).toEqual(addresses(held));
  console.info(`3,000 unbans from a full list, and 1,500 that come back: ${edge.calls.length - calls} calls`);
  expect(JSON.parse((await web.run("status --json")).stdout)).toMatchObject({
    outForCapacity: 0,
    pending: 0,
  });
  expect(web.log()).toContain("All bans are at the edge again");
  expect(edge.lists.bulk.refused).toBe(0);
  expect(edge.violations).toEqual([]);
}, 300_000);

test("a plan with less room than configured is learned from a refusal, and tried again by the next sync", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.plan.items = 700;
  await holdMany(web, upTo(1_000));
  await web.deliver();
  expect(edge.blocked()).toEqual(addresses(upTo(1_000).slice(300)));
  console.info(`700 of 1,000 into a plan that was believed to take 10,000: ${edge.calls.length} calls`);
  const learned = edge.calls.length;
  expect(learned).toBeLessThanOrEqual(80);
  await holdMany(web, [1_000]);
  await web.deliver();
  expect(edge.blocked()).toEqual(addresses(upTo(1_001).slice(301)));
  expect(edge.calls.length - learned).toBeLessThanOrEqual(8);

  web.clock.now += 3_700_000;
  await web.deliver();
  expect(web.log().match(/oldest bans are not at the edge/g)).toHaveLength(1);
  expect(web.log()).not.toContain("at the edge again");

  edge.lists.plan.items = 10_000;
  web.clock.now += 3_700_000;
  await web.deliver();
  expect(edge.blocked()).toEqual(addresses(upTo(1_001)));
  expect(web.log()).toContain("All bans are at the edge again");
}, 300_000);

test("more bans than a list has room for come back from it when the profile goes back to rules", async () => {
  await using both = listSite({ capacity: "10" });
  const { edge, web } = both;
  await holdMany(web, upTo(12));
  await web.deliver();
  expect(edge.blocked()).toHaveLength(10);
  web.configure({ config: {} });
  await web.deliver();
  expect(edge.rules()).toHaveLength(12);
  expect((await web.run("list")).stdout).not.toContain("outside");
});

test("an account's larger capacity, once configured, is used at once", async () => {
  await using both = listSite({ capacity: "10" });
  const { edge, web } = both;
  await holdMany(web, upTo(12));
  await web.deliver();
  web.configure({ config: listConfig(edge, { capacity: "11" }) });
  await web.deliver();
  expect(edge.blocked()).toHaveLength(11);
});

/** A profile with a list of its own in the account. */
function clients({ account }: FakeCloudflare, lines = ""): string {
  return `[profiles.clients]\nbackend = "list"\naccount = ${JSON.stringify(account.id)}\nlist = "clients"\n${lines}`;
}

async function banAll(web: Site, lastBytes: readonly number[], ...options: string[]): Promise<void> {
  for (const byte of lastBytes) {
    web.clock.now += 1_000;
    await web.runArgs("ban", `203.0.113.${byte}`, "--jail", "sshd", ...options);
  }
}

/** Delivers as the timer would: what is tried again for ever would keep a courier for ever. */
async function passes(web: Site, count: number): Promise<void> {
  for (let pass = 0; pass < count; pass += 1) {
    await web.deliverOnce();
    web.clock.now += 300_000;
  }
}

const inList = (edge: FakeCloudflare, name: string) => edge.lists.items(name).map(({ ip }) => ip);

test.each([
  ["the configuration", "6", 10_000],
  ["the plan", "10000", 6],
])(
  "an address in the lists of two profiles takes two of what %s has room for",
  async (_, capacity, items) => {
    await using both = listSite();
    const { edge, web } = both;
    Object.assign(edge.lists.plan, { lists: 2, items });
    const tables = clients(edge, `capacity = ${capacity}\n`);
    web.configure({ config: listConfig(edge, { capacity }), tables });
    for (const byte of [1, 2, 3, 4, 5]) {
      await banAll(web, [byte]);
      await banAll(web, [byte], "--profile", "clients");
    }
    await passes(web, 3);
    await banAll(web, [7]);
    await passes(web, 3);
    expect(inList(edge, "fail2ban").toSorted()).toEqual(["203.0.113.4", "203.0.113.5", "203.0.113.7"]);
    expect(inList(edge, "clients").toSorted()).toEqual(["203.0.113.3", "203.0.113.4", "203.0.113.5"]);
    expect(JSON.parse((await web.run("status --json")).stdout)).toMatchObject({
      outForCapacity: 3,
      pending: 0,
    });
    const calls = edge.calls.length;
    await passes(web, 3);
    expect(edge.calls).toHaveLength(calls);
  },
);

test("what a profile that has left the configuration has in its list takes room, and the newest ban is in", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.plan.lists = 2;
  const config = listConfig(edge, { capacity: "6" });
  web.configure({ config, tables: clients(edge, "capacity = 6\n") });
  await banAll(web, [1, 2, 3], "--profile", "clients");
  await banAll(web, [4, 5, 6]);
  await passes(web, 3);
  web.configure({ config });
  await banAll(web, [7]);
  await passes(web, 3);
  expect(inList(edge, "clients").toSorted()).toEqual(["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
  expect(inList(edge, "fail2ban").toSorted()).toEqual(["203.0.113.5", "203.0.113.6", "203.0.113.7"]);
});

test("a ban that has found no room is shown as outside, not as blocked", async () => {
  await using both = listSite({ capacity: "1" });
  const { web } = both;
  await web.run("ban 203.0.113.7 --jail sshd");
  web.clock.now += 1_000;
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  const lines = (await web.run("list")).stdout.split("\n").map((line) => line.trim().split(/\s+/));
  expect(lines.slice(1).map(([address, , , state]) => `${address} ${state}`)).toEqual([
    "203.0.113.7 outside",
    "203.0.113.8 blocked",
  ]);
});
