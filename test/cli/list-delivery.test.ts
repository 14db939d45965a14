import { describe, expect, test } from "bun:test";
import type { Fault } from "../support/fake-cloudflare.ts";
import { callsOf, holdMany, listConfig, listSite, stormAddress } from "../support/list-site.ts";

const isItems =
  (wanted: string) =>
  ({ method, path }: { method: string; path: string }) =>
    method === wanted && path.endsWith("/items");

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
      /203\.0\.113\.8 .* parked: Cannot make list "fail2ban_js_challenge": the account's plan allows no further list \(have all jails use one mode/,
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

describe("bulk operations", () => {
  test("another tool's is waited for, without a pause of the credential", async () => {
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

  test("one that does not end for minutes does not lose what waits for it", async () => {
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

  test("ours is followed to its end, and looked at less and less often", async () => {
    await using both = listSite();
    const { edge, web } = both;
    edge.lists.bulk.delayMs = 40_000;
    await web.run("ban 203.0.113.7 --jail sshd");
    expect((await web.deliverOnce()).code).toBe(0);
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
    expect(callsOf(edge).filter((call) => call.includes("bulk_operations")).length).toBeLessThan(10);
  });

  test("ours that takes longer than we wait is found done, and not done again", async () => {
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

  test("the rate limit is told from it, and does pause the credential", async () => {
    await using both = listSite();
    const { edge, web } = both;
    await web.run("ban 203.0.113.7 --jail sshd");
    await web.deliverOnce();
    edge.fail({ kind: "rateLimited", retryAfterS: 120 }, { when: isItems("POST") });
    await web.run("ban 203.0.113.8 --jail sshd");
    const from = edge.calls.length;
    expect((await web.deliverOnce()).code).toBe(5);
    expect(callsOf(edge, from)).toHaveLength(2);
    expect((await web.run("status")).stdout).toContain("Cloudflare asks for fewer calls");
    await web.deliver();
    expect(edge.blocked()).toEqual(["203.0.113.7", "203.0.113.8"]);
  });

  test("one that fails is taken apart: the bad one is parked with the reason, the others are in", async () => {
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
      "parked: Cloudflare refuses to ban 198.51.2.101: this address is cursed",
    );
  });

  test("one that fails though nothing else succeeds is retried, not given up", async () => {
    await using both = listSite();
    const { edge, web } = both;
    edge.lists.bulk.poison = () => "internal error";
    await web.run("ban 203.0.113.7 --jail sshd");
    expect((await web.deliverOnce()).code).toBe(5);
    expect((await web.run("list")).stdout).toContain(
      "pending: Cloudflare fails to change a list: internal error",
    );
    edge.lists.bulk.poison = null;
    await web.deliver();
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
  });
});

describe("faults", () => {
  const passing: readonly [name: string, fault: Fault][] = [
    ["an answer of 500", { kind: "status", status: 500 }],
    ["a page of HTML", { kind: "html", status: 503 }],
    ["a reset connection", { kind: "reset" }],
    ["a lost answer", { kind: "lostAnswer" }],
    ["a cut answer", { kind: "truncated" }],
    ["an answer without a result", { kind: "nullResult" }],
  ];

  test.each(passing)(
    "whichever call meets %s, the ban arrives, once, and so does the unban",
    async (_, fault) => {
      for (let nth = 1; nth <= 12; nth += 1) {
        await using both = listSite();
        const { edge, web } = both;
        let seen = 0;
        edge.fail(fault, { times: Infinity, when: () => (seen += 1) === nth });
        await web.run("ban 203.0.113.7 --jail sshd");
        await web.deliver();
        expect([nth, edge.blocked()]).toEqual([nth, ["203.0.113.7"]]);
        expect([edge.lists.names(), edge.customRules.of().length]).toEqual([["fail2ban"], 1]);
        await web.run("unban 203.0.113.7 --jail sshd");
        await web.deliver();
        expect([nth, edge.blocked()]).toEqual([nth, []]);
        expect((await web.run("status")).stdout).toContain("pending   0");
      }
    },
  );

  test("a list that somebody deleted is made again with all that is held", async () => {
    await using both = listSite();
    const { edge, web } = both;
    await holdMany(web, [1, 2, 3]);
    await web.deliver();
    edge.customRules.remove(edge.customRules.of()[0]?.id ?? "");
    edge.lists.remove("fail2ban");
    await web.run("ban 203.0.113.7 --jail sshd");
    await web.deliver();
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
    expect((await web.run("sync")).code).toBe(0);
    expect(edge.blocked()).toEqual([...[1, 2, 3].map(stormAddress), "203.0.113.7"].toSorted());
  });

  test("an unban from a list that somebody deleted is done", async () => {
    await using both = listSite();
    const { edge, web } = both;
    await web.run("ban 203.0.113.7 --jail sshd");
    await web.deliver();
    edge.customRules.remove(edge.customRules.of()[0]?.id ?? "");
    edge.lists.remove("fail2ban");
    await web.run("unban 203.0.113.7 --jail sshd");
    expect((await web.deliverOnce()).code).toBe(0);
    expect(edge.lists.names()).toEqual([]);
  });

  test("a list of that name and another kind is said, and left alone", async () => {
    await using both = listSite();
    const { edge, web } = both;
    edge.lists.plant("fail2ban", { kind: "hostname" });
    await web.run("ban 203.0.113.7 --jail sshd");
    expect(await web.deliverOnce()).toMatchObject({ code: 3 });
    expect((await web.run("status")).stdout).toContain(
      'Cannot use list "fail2ban": it is a list of kind "hostname"',
    );
  });

  test("a ban on a broken disk goes into the list directly", async () => {
    await using both = listSite();
    const { edge, web } = both;
    await web.run("ban 203.0.113.1 --jail sshd");
    await web.deliver();
    web.configure({
      config: { backend: '"list"', account: JSON.stringify(edge.account.id), journal: '"/dev/null/x"' },
    });
    const ended = await web.run("ban 203.0.113.7 --jail sshd");
    expect(ended.code).toBe(5);
    expect(ended.stderr).toContain("blocked directly: 203.0.113.7 at list fail2ban");
    expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.7"]);
    edge.lists.plan.items = 2;
    expect((await web.run("ban 203.0.113.8 --jail sshd")).stderr).toContain(
      "not blocked; list fail2ban is full",
    );
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

test("a new journal takes over what it finds in the lists, each with its mode", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.plan.lists = 2;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("ban 203.0.113.8 --jail nginx --mode managed_challenge");
  await web.deliver();
  web.configure({ config: listConfig(edge, { journal: JSON.stringify(`${web.directory}/new.db`) }) });
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7", "203.0.113.8"]);
  const holds = JSON.parse((await web.run("list --json")).stdout).holds;
  expect(holds.map(({ address, jail, mode }: Record<string, string>) => [address, jail, mode])).toEqual([
    ["203.0.113.7", "sshd", "block"],
    ["203.0.113.8", "nginx", "managed_challenge"],
  ]);
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
