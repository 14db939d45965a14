import { expect, test } from "bun:test";
import { openSqlite } from "../../src/journal/sqlite.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { listConfig } from "../support/list-site.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";

const otherIn = (zone: string): string => `[profiles.other]\nzones = ["${zone}"]\n`;
const other = otherIn("example.com");

/** Another profile with lists of the account that listConfig names by its id: here by its name, with another token. */
function byName({ account, accountToken }: FakeCloudflare, lines: string): string {
  return `[profiles.other]\nbackend = "list"\naccount = "${account.name}"\napi_token = "${accountToken}"\n${lines}\n`;
}

/** Has this happen while Cloudflare works on the next call of a method. */
function during(edge: FakeCloudflare, method: string, work: () => Promise<void>): void {
  edge.onRequest = async (call) => {
    if (call.method !== method) return;
    edge.onRequest = null;
    await work();
  };
}

test.each([
  ["removed", "DELETE", "ban 203.0.113.7 --jail sshd", "unban 203.0.113.7 --jail sshd", ["block"]],
  [
    "made milder",
    "PATCH",
    "ban 203.0.113.7 --jail sshd",
    "ban 203.0.113.7 --jail sshd --mode challenge",
    ["block"],
  ],
])(
  "a rule that is %s for one profile while another one holds it anew ends as the other wants it",
  async (_, method, first, second, modes) => {
    await using edge = fakeCloudflare();
    using web = site(edge, { tables: other });
    await web.run(first);
    await web.deliver();
    await web.run(second);
    during(edge, method, async () => {
      await web.run("ban 203.0.113.7 --jail sshd --profile other");
    });
    await web.deliver();
    expect(edge.rules().map(({ mode }) => mode)).toEqual(modes as "block"[]);
  },
);

test("one pass delivers everything, however many profiles share the zone", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { tables: other });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("ban 203.0.113.8 --jail sshd --profile other");
  expect(await web.deliverOnce()).toMatchObject({ code: 0 });
  await web.run("unban 203.0.113.7 --jail sshd");
  expect(await web.deliverOnce()).toMatchObject({ code: 0 });
  expect(edge.blocked()).toEqual(["203.0.113.8"]);
});

test("what fails for one profile does not begin anew for the other", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { tables: other });
  const profiles = ["", "other"];
  for (const profile of profiles)
    await web.runArgs("ban", "203.0.113.7", "--jail", "a", "--profile", profile);
  await web.deliver();
  const isStuck = ({ method }: { method: string }) => method === "DELETE";
  edge.fail({ kind: "status", status: 500 }, { times: 8, when: isStuck });
  for (const profile of profiles)
    await web.runArgs("unban", "203.0.113.7", "--jail", "a", "--profile", profile);
  const attempts: number[] = [];
  edge.onAnswer = async (call) => {
    if (!isStuck(call)) return;
    using journal = openSqlite(web.journalPath);
    for (const profile of profiles)
      attempts.push((await journal.progress(profile, "203.0.113.7"))?.attempts ?? 0);
  };
  await web.deliver();
  expect(edge.rules()).toEqual([]);
  // Four failures each; those of one must not reset the other's.
  expect(Math.max(...attempts)).toBeGreaterThanOrEqual(4);
});

test("two profiles with one credential share its budget", async () => {
  const clock = { now: Date.UTC(2026, 0, 1) };
  await using edge = fakeCloudflare({
    zones: [{ name: "example.com" }, { name: "example.org" }],
    now: () => clock.now,
    limit: { calls: 15, windowMs: 300_000 },
  });
  using web = site(edge, {
    startAt: clock.now,
    config: { budget: "15" },
    tables: '[profiles.other]\nzones = ["example.org"]\n',
  });
  for (let last = 1; last <= 20; last += 1) {
    await web.run(`ban 203.0.113.${last} --jail sshd`);
    await web.run(`ban 203.0.113.${last} --jail sshd --profile other`);
  }
  await web.deliverOnce();
  expect(edge.calls.length).toBe(15);
  expect(edge.overLimit).toBe(0);
});

test.each([
  ["blocks elsewhere", '[profiles.other]\nzones = ["example.org"]\n'],
  ["has left the configuration", ""],
])("a rule stands as the other profile wants it once the stricter one %s", async (_, tables) => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  using web = site(edge, { tables: other });
  await web.run("ban 203.0.113.7 --jail sshd --mode js_challenge");
  await web.run("ban 203.0.113.7 --jail web --mode block --profile other");
  await web.deliver();
  const modes = () => edge.rules().flatMap(({ scope, mode }) => (scope.name === "example.com" ? [mode] : []));
  expect(modes()).toEqual(["block"]);
  web.configure({ tables });
  await web.deliver();
  expect(modes()).toEqual(["js_challenge"]);
});

test("what another profile lets go of before a new token has met the zone is blocked again", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const path = web.write("other-token", `${edge.token}\n`);
  web.configure({ tables: `${other}api_token_file = ${JSON.stringify(path)}\n` });
  await web.run("ban 203.0.113.7 --jail a");
  await web.run("ban 203.0.113.7 --jail b --profile other");
  await web.deliver();
  web.write("token", `${edge.accountToken}\n`);
  await web.run("unban 203.0.113.7 --jail b --profile other");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("what may be at several places is looked for once at each, not by two profiles in turn for ever", async () => {
  await using edge = fakeCloudflare();
  edge.lists.plan.lists = 2;
  using web = site(edge, {
    config: listConfig(edge),
    tables: `${other}backend = "list"\naccount = ${JSON.stringify(edge.account.id)}\n`,
  });
  const networks = ["203.0.113.7", "203.0.113.8"];
  await web.run("ban 198.51.100.7 --jail sshd --mode block");
  await web.run("ban 198.51.100.8 --jail sshd --mode challenge");
  await web.run("ban 198.51.100.9 --jail sshd --mode challenge --profile other");
  await web.deliver();
  const before = edge.calls.length;
  {
    using journal = openSqlite(web.journalPath);
    for (const place of await journal.placesOf("")) await journal.begin(place, "", networks);
    for (const profile of ["", "other"]) await journal.recheck(profile, networks, web.clock.now);
  }
  await web.deliver();
  expect(edge.calls.length - before).toBe(4);
});

const zones = [{ name: "example.com" }, { name: "example.org" }];
const inZone = (edge: FakeCloudflare, index: number): readonly string[] =>
  edge
    .rules()
    .flatMap(({ scope, configuration }) => (scope.id === edge.zones[index]?.id ? [configuration.value] : []));

/** A server both of whose profiles have banned one address in one zone. */
async function bannedByBoth(edge: FakeCloudflare): Promise<Site> {
  const web = site(edge, { tables: other });
  await web.run("ban 203.0.113.7 --jail a");
  await web.run("ban 203.0.113.7 --jail b --profile other");
  await web.deliver();
  return web;
}

test("a rule that somebody deletes where one of two profiles has moved away is made again within the hour", async () => {
  await using edge = fakeCloudflare({ zones });
  using web = await bannedByBoth(edge);
  web.configure({ config: { zones: '["example.org"]' }, tables: other });
  await web.deliver();
  edge.remove(edge.rules().find(({ scope }) => scope.name === "example.com")?.id ?? "");
  expect(inZone(edge, 0)).toEqual([]);
  web.clock.now += 3_600_000;
  await web.deliver();
  expect([inZone(edge, 0), inZone(edge, 1)]).toEqual([["203.0.113.7"], ["203.0.113.7"]]);
});

test("a rule that two profiles had made goes within the hour when the last of them has moved away and let go", async () => {
  await using edge = fakeCloudflare({ zones });
  using web = await bannedByBoth(edge);
  await web.run("unban 203.0.113.7 --jail a");
  await web.deliver();
  web.configure({ tables: otherIn("example.org") });
  await web.deliver();
  await web.run("unban 203.0.113.7 --jail b --profile other");
  web.clock.now += 3_600_000;
  await web.deliver();
  expect(edge.rules()).toEqual([]);
});

test("two profiles that call one account by its id and by its name take the least of their capacities", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, {
    config: listConfig(edge, { budget: "60" }),
    tables: byName(edge, "capacity = 5"),
  });
  for (let last = 1; last <= 10; last += 1) {
    await web.run(`ban 203.0.113.${last} --jail a`);
    web.clock.now += 1;
  }
  await web.run("ban 203.0.113.11 --jail b --profile other");
  await web.deliverOnce();
  await web.deliverOnce();
  expect(edge.blocked()).toEqual([10, 11, 7, 8, 9].map((last) => `203.0.113.${last}`));
  expect(edge.calls.length).toBeLessThan(40);
});

test("two profiles that call one account by its id and by its name leave each other's rules alone", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  using web = site(edge, { config: listConfig(edge), tables: byName(edge, 'zones = ["example.org"]') });
  const ids = () => edge.zones.map(({ id }) => edge.customRules.of(id).map((rule) => rule.id));
  await web.run("ban 203.0.113.1 --jail a");
  await web.run("ban 203.0.113.2 --jail b --profile other");
  await web.deliver();
  const before = ids();
  expect(before).toEqual([[expect.any(String)], [expect.any(String)]]);
  await web.run("ban 203.0.113.3 --jail a");
  await web.deliver();
  expect(ids()).toEqual(before);
  await web.run("ban 203.0.113.4 --jail b --profile other");
  await web.deliver();
  expect(ids()).toEqual(before);
});
