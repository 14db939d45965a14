import { describe, expect, test } from "bun:test";
import { callsOf, listSite } from "../support/list-site.ts";

test("ban and unban arrive in the list and leave it, and a rule of the zone acts on it", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("ban 203.0.113.7 --jail sshd --bantime 600");
  expect((await web.deliver()).code).toBe(0);
  expect(edge.lists.items("fail2ban")).toMatchObject([
    { ip: "203.0.113.7", comment: "Fail2Ban sshd host:web1" },
  ]);
  expect(edge.customRules.of()).toMatchObject([
    { action: "block", expression: "(ip.src in $fail2ban)", enabled: true },
  ]);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
  expect(edge.rules()).toEqual([]);
  expect(edge.violations).toEqual([]);
});

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:0DB8:0::0007", "2001:db8::7"],
  ["198.51.100.9/30", "198.51.100.8/30"],
  ["2001:db8:1:2::/66", "2001:db8:1:2::/66"],
])("ban of %s is one item, as it is", async (address, item) => {
  await using both = listSite();
  const { edge, web } = both;
  await web.runArgs("ban", address, "--jail", "sshd");
  await web.deliver();
  expect(edge.lists.items("fail2ban").map(({ ip }) => ip)).toEqual([item]);
  await web.runArgs("unban", address, "--jail", "sshd");
  await web.deliver();
  expect(edge.lists.items("fail2ban")).toEqual([]);
});

test("two jails hold one address: the item goes with the last of them", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("ban 203.0.113.7 --jail nginx-limit-req");
  await web.deliver();
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  await web.run("unban 203.0.113.7 --jail nginx-limit-req");
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
});

test("an unban is three calls: a look, the removal and its end", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  const from = edge.calls.length;
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  expect(callsOf(edge, from)).toEqual([
    "GET /accounts/…/rules/lists/…/items?search=203.0.113.7&per_page=500",
    "DELETE /accounts/…/rules/lists/…/items",
    "GET /accounts/…/rules/lists/bulk_operations/…",
  ]);
});

test("an item that somebody has made his own is left to him", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("sync");
  edge.lists.plantItem("fail2ban", "203.0.113.7", "keep this one");
  await web.run("unban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(0);
  expect(edge.lists.items("fail2ban")).toMatchObject([{ ip: "203.0.113.7", comment: "keep this one" }]);
});

describe("modes", () => {
  const items = (edge: { lists: { items(name: string): { ip: string }[] } }, name: string) =>
    edge.lists.items(name).map(({ ip }) => ip);

  test("each has its list and its rule, and an address moves with its strictest, never without a block", async () => {
    await using both = listSite();
    const { edge, web } = both;
    edge.lists.plan.lists = 10;
    await web.run("ban 203.0.113.7 --jail a --mode managed_challenge");
    await web.deliver();
    expect(items(edge, "fail2ban_managed_challenge")).toEqual(["203.0.113.7"]);
    const gaps: string[] = [];
    edge.onAnswer = ({ method, path }) => {
      if (!edge.blocked().includes("203.0.113.7")) gaps.push(`${method} ${path}`);
    };
    await web.run("ban 203.0.113.7 --jail b --mode block");
    await web.deliver();
    expect([items(edge, "fail2ban"), items(edge, "fail2ban_managed_challenge")]).toEqual([
      ["203.0.113.7"],
      [],
    ]);
    await web.run("unban 203.0.113.7 --jail b");
    await web.deliver();
    expect([items(edge, "fail2ban"), items(edge, "fail2ban_managed_challenge")]).toEqual([
      [],
      ["203.0.113.7"],
    ]);
    expect(gaps).toEqual([]);
    expect(edge.customRules.of().map(({ action, expression }) => [action, expression])).toEqual([
      ["managed_challenge", "(ip.src in $fail2ban_managed_challenge)"],
      ["block", "(ip.src in $fail2ban)"],
    ]);
  });

  test("a plan of one list refuses the second with its remedy, and does the first", async () => {
    await using both = listSite();
    const { edge, web } = both;
    await web.run("ban 203.0.113.7 --jail sshd");
    await web.run("ban 203.0.113.8 --jail nginx --mode js_challenge");
    expect((await web.deliverOnce()).code).toBe(4);
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
    expect((await web.run("list")).stdout).toMatch(
      /203\.0\.113\.8 .* parked .* Cannot make list "fail2ban_js_challenge": the account's plan allows no further list \(have all jails use one mode/,
    );
    // With room for it, the administrator's next try has it delivered.
    edge.lists.plan.lists = 2;
    expect(await web.run("sync --provision")).toMatchObject({ code: 0 });
    expect(edge.blocked()).toEqual(["203.0.113.7", "203.0.113.8"]);
  });

  test("a mode that is all that is used needs no other list", async () => {
    await using both = listSite({ mode: '"managed_challenge"' });
    const { edge, web } = both;
    await web.run("ban 203.0.113.7 --jail sshd");
    expect((await web.deliver()).code).toBe(0);
    expect(edge.lists.names()).toEqual(["fail2ban_managed_challenge"]);
  });
});

test.each([
  ["a human's item", "our worst customer"],
  ["another host's item", "Fail2Ban sshd host:web2"],
])("%s stays as it is through ban, sync and unban", async (_, comment) => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.plant("fail2ban");
  edge.lists.plantItem("fail2ban", "203.0.113.7", comment);
  const before = JSON.stringify(edge.lists.items("fail2ban"));
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect((await web.run("list")).stdout).toContain("foreign");
  web.clock.now += 3_700_000;
  await web.deliver();
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(JSON.stringify(edge.lists.items("fail2ban"))).toBe(before);
});

test("an item that somebody deleted in the dashboard comes back within the hour, one of ours that nobody holds goes", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.lists.removeItem("fail2ban", "203.0.113.7");
  edge.lists.plantItem("fail2ban", "203.0.113.9", "Fail2Ban sshd host:web1");
  web.clock.now += 3_700_000;
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});
