import { expect, test } from "bun:test";
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
  expect((await web.run("sync")).stdout).toBe("= zone example.com: nothing differs");
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
