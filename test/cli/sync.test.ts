import { expect, test } from "bun:test";
import { timestamp } from "../../src/core/text.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";

test("sync --dry-run shows what differs and changes nothing; sync mends it", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const last of [1, 2]) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  edge.remove(edge.rules().find(({ configuration }) => configuration.value === "203.0.113.1")?.id ?? "");
  edge.plant(edge.zone.scope, { value: "203.0.113.9", notes: "Fail2Ban sshd host:web1" });
  const before = [JSON.stringify(edge.rules()), web.dump()];
  const dry = await web.run("sync --dry-run");
  expect(dry.stdout).toContain("+ 203.0.113.1 at zone example.com");
  expect(dry.stdout).toContain("- 203.0.113.9 at zone example.com");
  expect([JSON.stringify(edge.rules()), web.dump()]).toEqual(before);
  expect((await web.run("sync")).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2"]);
  expect((await web.run("sync")).stdout).toBe(
    "= journal: nothing differs from fail2ban\n= zone example.com: nothing differs",
  );
});

test("a mode that somebody changed in the dashboard is set back", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  const [rule] = edge.rules();
  edge.remove(rule?.id ?? "");
  edge.plant(edge.zone.scope, { value: "203.0.113.1", mode: "challenge", notes: rule?.notes ?? "" });
  await web.run("sync");
  expect(edge.rules().map(({ mode }) => mode)).toEqual(["block"]);
});

test("sync shows and mends what differs between fail2ban, the journal and the edge, and then nothing differs", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd --bantime 6000");
  await web.run("ban 203.0.113.2 --jail sshd --bantime 6000");
  await web.run("ban 203.0.113.3 --jail sshd --bantime 6000");
  await web.run("ban 203.0.113.4 --jail by-hand");
  await web.deliver();
  web.clock.now += 120_000;
  await web.run("ban 203.0.113.5 --jail sshd --bantime 6000");
  const longer = web.clock.now + 86_400_000;
  web.fail2banBans([
    { jail: "sshd", ip: "203.0.113.1", untilAt: web.clock.now + 5_880_000 },
    { jail: "sshd", ip: "203.0.113.2", untilAt: longer },
    { jail: "sshd", ip: "203.0.113.6", untilAt: longer },
    { jail: "postfix", ip: "203.0.113.7" },
  ]);
  const before = [JSON.stringify(edge.rules()), web.dump()];
  const plan = [
    "+ 203.0.113.6 in the journal: banned by sshd, not held",
    "- 203.0.113.3 in the journal: held for sshd, banned no more",
    `~ 203.0.113.2 in the journal: banned by sshd until ${timestamp(Math.ceil(longer / 1_000) * 1_000)}, held to another end`,
    // Recorded a moment ago: fail2ban writes its database after its actions.
    "+ 203.0.113.5 at zone example.com: held for sshd, not there",
    "+ 203.0.113.6 at zone example.com: held for sshd, not there",
    "- 203.0.113.3 at zone example.com: ours (sshd), held by nobody",
  ];
  const dry = await web.run("sync --dry-run");
  expect(dry.stdout.split("\n").toSorted()).toEqual(plan.toSorted());
  expect([JSON.stringify(edge.rules()), web.dump()]).toEqual(before);
  const mended = await web.run("sync");
  expect(mended.code).toBe(0);
  expect(mended.stdout).toBe(dry.stdout);
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2", "203.0.113.4", "203.0.113.5", "203.0.113.6"]);
  expect((await web.run("sync --dry-run")).stdout).not.toMatch(/^[-+~]/m);
});

test("what a flush has let go of, for a restart, is not taken away by sync", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  web.fail2banBans([{ jail: "sshd", ip: "203.0.113.9", enabled: false }]);
  web.clock.now += 120_000;
  await web.run("flush --jail sshd --family inet4");
  await web.run("stop --jail sshd");
  expect((await web.run("sync")).stdout).not.toMatch(/^[-+~]/m);
  expect(edge.blocked()).toEqual(["203.0.113.1"]);
});

test("sync goes on without fail2ban's database when it cannot be read, and says so", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  web.fail2banBans([]);
  web.write("fail2ban.sqlite3", "no database");
  const ended = await web.run("sync");
  expect(ended.stderr).toContain("Not compared with fail2ban: its database cannot be read now");
  expect(edge.blocked()).toEqual(["203.0.113.1"]);
});

test("what the hourly sync finds missing is delivered at once, whatever else the courier waits for", async () => {
  let clock = { now: Date.now() };
  await using edge = fakeCloudflare({ now: () => clock.now });
  using web = site(edge);
  clock = web.clock;
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.run("ban 203.0.113.2 --jail sshd --bantime 4000");
  await web.deliver();
  edge.remove(edge.rules().find(({ configuration }) => configuration.value === "203.0.113.1")?.id ?? "");
  // Seven minutes before the other ban ends, for which a courier stays.
  web.clock.now += 3_650_000;
  const foundAt = web.clock.now;
  await web.deliver();
  const again = edge.calls.findLast(({ method }) => method === "POST");
  expect((again?.at ?? Number.POSITIVE_INFINITY) - foundAt).toBeLessThan(10_000);
  expect(edge.blocked()).toEqual(["203.0.113.1"]);
});
