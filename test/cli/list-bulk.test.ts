import { expect, test } from "bun:test";
import { callsOf, holdMany, listSite, stormAddress } from "../support/list-site.ts";

test("another tool's bulk operation is waited for, without a pause of the credential", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  edge.lists.occupy(10_000);
  await web.run("ban 203.0.113.8 --jail sshd");
  const from = web.clock.now;
  expect((await web.deliverOnce()).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.7", "203.0.113.8"]);
  expect(web.clock.now - from).toBeLessThan(30_000);
  expect(web.log()).not.toContain("retried");
});

test("a bulk operation that does not end for minutes does not lose what waits for it", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  edge.lists.occupy(300_000);
  await web.run("ban 203.0.113.8 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(5);
  expect((await web.run("status")).stdout).toContain("another change of this account's lists");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7", "203.0.113.8"]);
  expect(edge.lists.bulk.refused).toBeLessThan(40);
});

test("our operation is followed to its end, and looked at less and less often", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.bulk.delayMs = 40_000;
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect(callsOf(edge).filter((call) => call.includes("bulk_operations")).length).toBeLessThan(10);
});

test("an operation of ours that takes longer than we wait is found done, and not done again", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.bulk.delayMs = 100_000;
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(5);
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect(edge.lists.bulk.begun).toBe(1);
  expect((await web.run("status")).stdout).toContain("pending   0");
});

test("the rate limit is told from a turn that is taken, and does pause the credential", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  edge.fail(
    { kind: "rateLimited", retryAfterS: 120 },
    { when: ({ method, path }) => method === "POST" && path.endsWith("/items") },
  );
  await web.run("ban 203.0.113.8 --jail sshd");
  const from = edge.calls.length;
  expect((await web.deliverOnce()).code).toBe(5);
  expect(callsOf(edge, from)).toHaveLength(2);
  expect((await web.run("status")).stdout).toContain("Cloudflare asks for fewer calls");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7", "203.0.113.8"]);
});

test("an operation that fails is taken apart: the bad one is parked with the reason, the others are in", async () => {
  await using both = listSite();
  const { edge, web } = both;
  const bad = stormAddress(613);
  edge.lists.bulk.poison = ({ ip }) => (ip === bad ? "this address is cursed" : null);
  await holdMany(
    web,
    Array.from({ length: 1_000 }, (_, index) => index),
  );
  await web.deliver();
  expect(edge.blocked()).toHaveLength(999);
  expect(edge.lists.bulk.begun).toBeLessThan(25);
  expect((await web.run("list")).stdout).toContain(
    "Cloudflare refuses to ban 198.51.2.101: this address is cursed",
  );
});

test("an operation that fails though nothing else succeeds is retried, not given up", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.bulk.poison = () => "internal error";
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(5);
  expect((await web.run("list")).stdout).toContain("Cloudflare fails to change a list: internal error");
  edge.lists.bulk.poison = null;
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});
