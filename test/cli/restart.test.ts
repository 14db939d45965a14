import { expect, test } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";

test("a restart of fail2ban costs no call and leaves no gap", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const last of [1, 2, 3]) await web.run(`ban 203.0.113.${last} --jail sshd --bantime 6000`);
  await web.run("ban 2001:db8::1 --jail sshd --bantime 6000");
  await web.deliver();
  const before = edge.calls.length;
  await web.run("flush --jail sshd --family inet4");
  await web.run("flush --jail sshd --family inet6");
  await web.run("stop --jail sshd");
  web.clock.now += 20_000;
  await web.run("start --jail sshd");
  for (const last of [1, 2, 3])
    await web.run(`ban 203.0.113.${last} --jail sshd --bantime 6000 --restored 1`);
  await web.run("ban 2001:db8::1 --jail sshd --bantime 6000 --restored 1");
  await web.deliver();
  web.clock.now += 300_000;
  await web.deliver();
  expect(edge.calls.length).toBe(before);
  expect(edge.blocked()).toHaveLength(4);
});

test("unban --all is gone after ten seconds", async () => {
  let clock = { now: Date.now() };
  await using edge = fakeCloudflare({ now: () => clock.now });
  using web = site(edge);
  clock = web.clock;
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.run("ban 2001:db8::1 --jail sshd");
  await web.run("ban 203.0.113.2 --jail other");
  await web.deliver();
  await web.run("flush --jail sshd --family inet4");
  await web.run("flush --jail sshd --family inet6");
  const flushedAt = web.clock.now;
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.2"]);
  const removedAt = edge.calls.filter(({ method }) => method === "DELETE").map(({ at }) => at - flushedAt);
  expect(Math.min(...removedAt)).toBeGreaterThanOrEqual(10_000);
  expect(Math.max(...removedAt)).toBeLessThan(15_000);
});

test("a stop for good is followed by the unbans after the grace, not before", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { restart_grace: "60" } });
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  await web.run("flush --jail sshd --family inet4");
  await web.run("stop --jail sshd");
  web.clock.now += 55_000;
  await web.deliverOnce();
  expect(edge.blocked()).toEqual(["203.0.113.1"]);
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
});

test("a flush without a stop whose bans fail2ban still has gets the grace too", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  web.fail2banBans([{ jail: "sshd", ip: "203.0.113.1", enabled: false }]);
  await web.run("flush --jail sshd --family inet4");
  web.clock.now += 30_000;
  await web.deliverOnce();
  expect(edge.blocked()).toEqual(["203.0.113.1"]);
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
});

test("a ban that ended while fail2ban was down is lifted", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd --bantime 600");
  await web.deliver();
  web.clock.now += 900_000;
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
});

test("a ban that fail2ban has made longer is kept to its real end", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd --bantime 600");
  await web.deliver();
  const untilAt = web.clock.now + 3_600_000;
  web.fail2banBans([{ jail: "sshd", ip: "203.0.113.1", untilAt }]);
  web.clock.now += 900_000;
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.1"]);
  web.clock.now = untilAt + 120_000;
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
});

test("actionprolong moves the end of a ban without a call", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd --bantime 60");
  await web.deliverOnce();
  const before = edge.calls.length;
  await web.run("ban 203.0.113.1 --jail sshd --bantime 6000");
  web.clock.now += 600_000;
  await web.deliverOnce();
  expect(edge.calls.length).toBe(before);
  expect(edge.blocked()).toEqual(["203.0.113.1"]);
});

test("a ban that no hook could record is taken from fail2ban's database", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { ignore: '["198.51.100.0/24"]' } });
  await web.run("ban 203.0.113.1 --jail sshd --mode managed_challenge");
  web.fail2banBans([
    { jail: "sshd", ip: "203.0.113.1" },
    { jail: "sshd", ip: "203.0.113.2", untilAt: web.clock.now + 3_600_000 },
    { jail: "sshd", ip: "203.0.113.3", untilAt: web.clock.now - 1_000 },
    { jail: "sshd", ip: "no such host" },
    { jail: "sshd", ip: "198.51.100.1" },
    { jail: "sshd", ip: "127.0.0.1" },
    { jail: "not-ours", ip: "203.0.113.4" },
    { jail: "stopped", ip: "203.0.113.5", enabled: false },
  ]);
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2"]);
  expect(edge.rules().map(({ mode }) => mode)).toEqual(["managed_challenge", "managed_challenge"]);
});

test("a jail whose start no hook could record is known again by its first restored ban", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  await web.run("stop --jail sshd");
  await web.run("ban 203.0.113.1 --jail sshd --restored 1");
  web.fail2banBans([
    { jail: "sshd", ip: "203.0.113.1" },
    { jail: "sshd", ip: "203.0.113.2" },
  ]);
  web.clock.now += 700_000;
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2"]);
});

test("what fail2ban bans is not taken into a profile that its jail no longer uses", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  using web = site(edge, { tables: '[profiles.other]\nzones = ["example.org"]\n' });
  await web.run("start --jail sshd");
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  // As when cfprofile is changed and the jail reloaded.
  await web.run("flush --jail sshd --family inet4");
  await web.run("stop --jail sshd");
  await web.run("start --jail sshd --profile other");
  await web.run("ban 203.0.113.1 --jail sshd --profile other --restored 1");
  web.fail2banBans([
    { jail: "sshd", ip: "203.0.113.1" },
    { jail: "sshd", ip: "203.0.113.2" },
  ]);
  await web.deliver();
  web.clock.now += 700_000;
  await web.deliver();
  expect(edge.rules().map(({ configuration, scope }) => `${configuration.value} ${scope.name}`)).toEqual([
    "203.0.113.1 example.org",
    "203.0.113.2 example.org",
  ]);
});

test.each([
  ["back", -86_400_000],
  ["forward", 86_400_000],
])("a clock set %s by a day freezes nothing", async (_, jump) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  edge.fail({ kind: "status", status: 500 }, { times: 3 });
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliverOnce();
  web.clock.now += jump;
  await web.run("ban 203.0.113.2 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2"]);
});
