import { expect, test } from "bun:test";
import { loadConfig } from "../../src/config.ts";
import { removeProvision } from "../../src/wire/provision.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { withForeignRules } from "../support/foreign-rules.ts";
import { listConfig, listSite } from "../support/list-site.ts";
import { testRuntime } from "../support/runtime.ts";
import type { Site } from "../support/site.ts";

/** The foreign rules, byte for byte and in their order, and our own. */
function split(edge: FakeCloudflare) {
  const isOurs = ({ ref }: { ref: string }) => ref === "fail2ban_cloudflare_fail2ban";
  const rules = edge.customRules.of();
  return {
    theirs: JSON.stringify(rules.filter((rule) => !isOurs(rule))),
    ours: rules.filter(isOurs),
  };
}

test("a rule that somebody adds to a zone without rules in the same moment stays", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.onRequest = ({ method, path }) => {
    if (method === "GET" || !path.includes("/rulesets") || edge.customRules.of().length > 0) return;
    edge.customRules.plant({
      action: "block",
      expression: '(http.host eq "old.example.com")',
      description: "theirs",
    });
  };
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(0);
  expect(edge.customRules.of().map(({ description }) => description)).toEqual([
    "theirs",
    "fail2ban-cloudflare: list fail2ban",
  ]);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("a rule of ours that another server adds in the same moment, so that ours is refused, serves both", async () => {
  await using both = listSite();
  const { edge, web } = both;
  withForeignRules(edge);
  const theirs = {
    action: "block",
    expression: "(ip.src in $fail2ban)",
    description: "fail2ban-cloudflare: list fail2ban",
    ref: "fail2ban_cloudflare_fail2ban",
    enabled: true,
  };
  edge.onRequest = (call) => {
    if (isAddition(call)) edge.customRules.plant(theirs);
  };
  edge.fail({ kind: "status", status: 400 }, { times: Infinity, when: isAddition });
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(0);
  expect(split(edge).ours).toHaveLength(1);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("a rule that is refused since others change the same ruleset is added in a second try", async () => {
  await using both = listSite();
  const { edge, web } = both;
  withForeignRules(edge);
  edge.onRequest = (call) => {
    if (!isAddition(call)) return;
    edge.onRequest = null;
    edge.customRules.plant({
      action: "block",
      expression: '(http.host eq "new.example.com")',
      description: "theirs",
    });
  };
  edge.fail({ kind: "status", status: 409 }, { when: isAddition });
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("a rule of ours that somebody deletes while it is set right is added anew", async () => {
  await using both = listSite();
  const { edge, web } = both;
  withForeignRules(edge);
  await web.run("sync --provision");
  const [ours] = split(edge).ours;
  edge.customRules.change(ours?.id ?? "", { enabled: false });
  edge.onRequest = ({ method }) => {
    if (method === "PATCH") edge.customRules.remove(ours?.id ?? "");
  };
  expect((await web.run("sync --provision")).code).toBe(0);
  expect(split(edge).ours).toMatchObject([{ action: "block", enabled: true }]);
});

/** A call that adds a rule to a ruleset that is there. */
function isAddition({ method, path }: { method: string; path: string }): boolean {
  return method === "POST" && path.endsWith("/rules");
}

/** What uninstall does at its end. */
async function purge(web: Site): Promise<string[]> {
  const runtime = testRuntime({ fetch, now: () => web.clock.now });
  const config = loadConfig(runtime, web.configPath);
  const [profile] = config.profiles.values();
  if (profile === undefined) throw new Error("There is no profile");
  const removed = await removeProvision({ runtime, config, profile, journal: null, log: () => {} });
  return removed.map(({ sign, what }) => `${sign} ${what}`);
}

test("a zone with five foreign rules keeps them byte for byte through provision, repair and purge", async () => {
  await using both = listSite();
  const { edge, web } = both;
  const before = withForeignRules(edge);
  expect((await web.run("sync --provision")).stdout).toBe(
    "+ list fail2ban\n+ rule for list fail2ban in zone example.com\n= journal: nothing differs from fail2ban\n= list fail2ban: nothing differs",
  );
  expect(split(edge)).toMatchObject({ theirs: before, ours: [{ action: "block", enabled: true }] });
  expect(edge.customRules.of().at(-1)?.ref).toBe("fail2ban_cloudflare_fail2ban");
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);

  // Somebody plays with our rule in the dashboard.
  const [ours] = split(edge).ours;
  edge.customRules.change(ours?.id ?? "", {
    enabled: false,
    action: "log",
    expression: "(ip.src in $fail2ban_office)",
    description: "switched off by me",
  });
  expect(edge.blocked()).toEqual([]);
  expect((await web.run("sync --provision")).stdout).toStartWith(
    "= list fail2ban\n~ rule for list fail2ban in zone example.com\n",
  );
  expect(split(edge)).toMatchObject({
    theirs: before,
    ours: [{ id: ours?.id, action: "block", enabled: true, expression: "(ip.src in $fail2ban)" }],
  });
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect((await web.run("sync --provision")).stdout).toStartWith(
    "= list fail2ban\n= rule for list fail2ban in zone example.com\n",
  );
  expect(split(edge).ours).toHaveLength(1);

  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(await purge(web)).toEqual(["- rule for list fail2ban in zone example.com", "- list fail2ban"]);
  expect(JSON.stringify(edge.customRules.of())).toBe(before);
  expect(edge.lists.names()).toEqual(["fail2ban_office"]);
  expect(await purge(web)).toEqual([]);
  console.info(
    `five foreign rules through provision, repair and purge: ${before.length} bytes, all the same`,
  );
  expect(edge.violations).toEqual([]);
});

test("every zone that is named gets the rule, or without a name every zone of the account", async () => {
  const zones = [{ name: "example.com" }, { name: "example.org" }, { name: "example.net" }];
  await using both = listSite({ zones: '["example.com", "example.org"]' }, { zones });
  const { edge, web } = both;
  const counts = () => edge.zones.map(({ id }) => edge.customRules.of(id).length);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(counts()).toEqual([1, 1, 0]);

  web.configure({ config: listConfig(edge, { zones: '["example.org"]' }) });
  await web.deliver();
  expect(counts()).toEqual([0, 1, 0]);
  expect(web.log()).toContain("Removed rule for list fail2ban in zone");

  web.configure({ config: listConfig(edge, { zones: null }) });
  await web.deliver();
  expect(counts()).toEqual([1, 1, 1]);
});

test("lists of several modes, made at the same time, each get their rule in a zone that had none", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.plan.lists = 4;
  const modes = ["block", "managed_challenge", "js_challenge", "challenge"];
  for (const [last, mode] of modes.entries())
    await web.run(`ban 203.0.113.${last} --jail ${mode} --mode ${mode}`);
  await web.deliver();
  expect(
    edge.customRules
      .of()
      .map(({ action }) => action)
      .toSorted(),
  ).toEqual(modes.toSorted());
  expect(edge.blocked()).toEqual(modes.map((_, last) => `203.0.113.${last}`));
});

test("a list and a rule that somebody made by hand are used as they are", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.plant("fail2ban");
  edge.customRules.plant({
    action: "block",
    expression: '(ip.src in $fail2ban and not http.host eq "a.example.com")',
  });
  const before = JSON.stringify(edge.customRules.of());
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliver()).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect((await web.run("sync --provision")).stdout).toContain(
    "= rule for list fail2ban in zone example.com: somebody else's",
  );
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(await purge(web)).toEqual([
    "= list fail2ban: a list that a filter refers to cannot be deleted (no code)",
  ]);
  expect(JSON.stringify(edge.customRules.of())).toBe(before);
});

test("a list of a longer name in a rule does not pass for ours", async () => {
  await using both = listSite();
  const { edge, web } = both;
  edge.lists.plan.lists = 2;
  edge.lists.plant("fail2ban_office");
  edge.customRules.plant({ action: "block", expression: "(ip.src in $fail2ban_office)" });
  await web.run("sync --provision");
  expect(edge.customRules.of()).toHaveLength(2);
});

test("sync --dry-run --provision says what it would do, and does nothing", async () => {
  await using both = listSite();
  const { edge, web } = both;
  const { stdout } = await web.run("sync --dry-run --provision");
  expect(stdout).toStartWith("+ list fail2ban\n+ rule for list fail2ban in zone example.com\n");
  expect([edge.lists.names(), edge.customRules.of()]).toEqual([[], []]);
});

test("the hourly sync says that a rule is gone or changed, and leaves it to the administrator", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  const id = edge.customRules.of()[0]?.id ?? "";
  edge.customRules.change(id, { enabled: false });
  web.clock.now += 3_700_000;
  await web.deliver();
  expect(web.log()).toContain(
    "The rule for list fail2ban in zone example.com was changed (run: fail2ban-cloudflare sync --provision)",
  );
  expect(edge.customRules.of()[0]?.enabled).toBe(false);
  edge.customRules.remove(id);
  expect((await web.run("sync")).stdout).toContain(
    "! The rule for list fail2ban in zone example.com is missing",
  );
  await web.run("sync --provision");
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("a zone with as many rules as its plan allows is said, and bans wait for room there", async () => {
  await using both = listSite();
  const { edge, web } = both;
  withForeignRules(edge);
  edge.customRules.mostRules = 5;
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(3);
  expect((await web.run("status")).stdout).toContain(
    'Cannot add the rule of list "fail2ban" to zone example.com: exceeded maximum number of rules in the phase (20217)',
  );
  edge.customRules.remove(edge.customRules.of()[1]?.id ?? "");
  web.clock.now += 301_000;
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("a zone that is added and takes no rule is tried every five minutes, and the list goes on in the others", async () => {
  const zones = [{ name: "example.com" }, { name: "example.org" }];
  await using both = listSite({ zones: '["example.org"]' }, { zones });
  const { edge, web } = both;
  const inZones = () => edge.zones.map(({ id }) => edge.blocked({ type: "zone", id }));
  withForeignRules(edge);
  edge.customRules.mostRules = 5;
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  const before = edge.calls.length;
  const tries = () => edge.calls.slice(before).filter(isAddition).length;

  const addedAt = web.clock.now;
  const banned = ["203.0.113.1"];
  const seen: unknown[] = [];
  const waits = (): void => {
    const passed = web.clock.now - addedAt;
    if (banned.length < 5 && passed > banned.length * 10_000) {
      banned.push(`203.0.113.${banned.length + 1}`);
      void web.run(`ban ${banned.at(-1)} --jail sshd`);
    }
    if (seen.length > 0 || passed < 200_000) return;
    seen.push(inZones(), tries(), web.run("status"));
    edge.customRules.remove(edge.customRules.of()[1]?.id ?? "");
  };
  web.configure({ config: listConfig(edge, { zones: '["example.com", "example.org"]' }), waits });
  await web.run("ban 203.0.113.1 --jail nginx");
  await web.deliver();
  const says = 'Cannot add the rule of list "fail2ban" to zone example.com';
  expect(seen).toEqual([[[], banned], 1, expect.any(Promise)]);
  expect(await seen[2]).toMatchObject({ code: 3, stdout: expect.stringContaining(says) });
  expect(web.log().split(says)).toHaveLength(2);
  expect([inZones(), tries()]).toEqual([[banned, banned], 2]);
  expect(await web.run("status")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("verdict   all is well"),
  });
});

test("a list that has items of others keeps its rules when ours are removed", async () => {
  await using both = listSite();
  const { edge, web } = both;
  await web.run("sync --provision");
  edge.lists.plantItem("fail2ban", "203.0.113.9", "Fail2Ban sshd host:web2");
  expect(await purge(web)).toEqual(["= list fail2ban and its rules: 1 items are left in it"]);
  expect(edge.blocked()).toEqual(["203.0.113.9"]);
});
