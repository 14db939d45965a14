import { expect, test } from "bun:test";
import type { Fault } from "../support/fake-cloudflare.ts";
import { holdMany, listConfig, listSite, stormAddress } from "../support/list-site.ts";

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

test("a list that another server makes in the same moment is used at once", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.onRequest = ({ method, path }) => {
    if (method === "POST" && path.endsWith("/rules/lists")) edge.lists.plant("fail2ban");
  };
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect(edge.lists.names()).toEqual(["fail2ban"]);
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
    "not blocked; Cannot block at list fail2ban: it is full",
  );
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

test.each([
  ["all of a full list", 20, 20],
  ["all of a list that is more than half full", 12, 12],
  ["some of a full list", 20, 5],
])("%s that move to another list are blocked there, and what stays is", async (_, held, moved) => {
  await using both = listSite({ capacity: "20" });
  const { edge, web } = both;
  Object.assign(edge.lists.plan, { lists: 2, items: 20 });
  const addresses = Array.from({ length: held }, (_, index) => `203.0.113.${index + 1}`);
  for (const address of addresses) await web.run(`ban ${address} --jail a`);
  await web.deliver();
  if (moved === held) web.configure({ config: listConfig(edge, { capacity: "20", list: '"other"' }) });
  else
    for (const address of addresses.slice(0, moved))
      await web.run(`ban ${address} --jail a --mode challenge`);
  await web.deliver();
  expect(edge.blocked()).toEqual(addresses.toSorted());
});
