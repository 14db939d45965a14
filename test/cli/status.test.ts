import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";

const startAt = Date.UTC(2026, 0, 1, 12);
const hourMs = 3_600_000;

const isCreate = ({ method }: { method: string }) => method === "POST";

async function screenOf(web: Site): Promise<string[]> {
  return (await web.run("status")).stdout.replace(pkg.version, "VERSION").split("\n");
}

test("status of a new machine says that there is nothing, and that this is well", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { startAt });
  expect((await web.run("status")).code).toBe(0);
  expect(await screenOf(web)).toEqual([
    "fail2ban-cloudflare VERSION on web1, 2026-01-01 12:00:00",
    "",
    "verdict   all is well",
    "held      0 by 0 jails, 0 addresses and networks",
    "at edge   0 of ours",
    "pending   0",
    "parked    0",
    "budget    0 of 1000 calls in five minutes, 1000 left",
    "success   none yet",
    "error     none",
    "bans      ________________________ 0 in 24 hours",
  ]);
});

test("status shows on one screen what is held, where it is, what is in the way and how long it takes", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { startAt, config: { budget: "10" }, env: { LANG: "en_US.UTF-8" } });
  edge.plant(edge.zone.scope, { value: "203.0.113.2", mode: "whitelist", notes: "the office" });
  edge.fail({ kind: "status", status: 400, code: 10014, message: "no" }, { times: 1, when: isCreate });
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliverOnce();
  web.clock.now = startAt + 2 * hourMs;
  for (const last of [2, 3]) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.run("ban 203.0.113.3 --jail nginx-limit-req");
  await web.deliverOnce();
  web.clock.now = startAt + 3 * hourMs;
  for (let last = 10; last < 22; last += 1) await web.run(`ban 203.0.113.${last} --jail nginx-limit-req`);
  await web.deliverOnce();
  web.clock.now += 240_000;
  const { code, stdout } = await web.run("status");
  expect(code).toBe(0);
  expect(stdout.replace(pkg.version, "VERSION").split("\n")).toEqual([
    "fail2ban-cloudflare VERSION on web1, 2026-01-01 15:04:00",
    "",
    "verdict   all is well",
    "held      16 by 2 jails, 15 addresses and networks",
    "at edge   11 of ours, 1 of somebody else's (left as they are: see list)",
    "pending   2, the oldest for 4 min; the budget lets them through in 1 min",
    "parked    1 (refused by Cloudflare: see list)",
    "budget    10 of 10 calls in five minutes, 0 left",
    "success   2026-01-01 15:00:00, 4 min ago",
    "error     2026-01-01 12:00:00, 3 h 4 min ago, zone example.com: Cloudflare refuses to ban 203.0.113.1: no (10014)",
    "bans      ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▁▃█ 16 in 24 hours, 12 in the busiest hour",
    "",
    "JAIL             HELD  PENDING  PARKED  BANS IN 24 H",
    "nginx-limit-req    13        2       0            13",
    "sshd                3        0       1             3",
    "",
    "SCOPE             OURS  FOREIGN  LAST SUCCESS",
    "zone example.com    11        1  2026-01-01 15:00:00",
  ]);
});

test("status names what keeps bans from being delivered, since when, and the last error when all is well again", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { startAt, tables: '[profiles.b]\nzones = ["example.net"]\n' });
  await web.run("ban 203.0.113.1 --jail sshd --profile b");
  await web.deliverOnce();
  web.clock.now = startAt + 60_000;
  const failing = await web.run("status");
  expect(failing.code).toBe(3);
  expect(failing.stdout).toContain("verdict   the configuration does not serve\n");
  expect(failing.stdout).toContain("pending   1, the oldest for 1 min\n");
  expect(failing.stdout).toMatch(
    /^trouble   config for 1 min, next try in 4 min: Cannot find zone "example.net"/m,
  );
  expect(failing.stdout).toContain("success   none yet");
  expect(failing.stdout).toContain("zone example.net (b)  unknown  unknown  never");
  web.configure({ tables: '[profiles.b]\nzones = ["example.com"]\n' });
  await web.deliverOnce();
  const well = await web.run("status");
  expect(well).toMatchObject({ code: 0 });
  expect(well.stdout).not.toContain("example.net");
});

test("after an outage the last error stays to be seen", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { startAt });
  edge.fail({ kind: "status", status: 502 }, { times: 3 });
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliverOnce();
  const during = (await web.run("status")).stdout;
  expect(during).toMatch(/^trouble   unavailable for 0 s, next try in .*status 502$/m);
  expect(during).toMatch(/^error     2026-01-01 12:00:00, 0 s ago, credential: .*status 502$/m);
  await web.deliver();
  const after = (await web.run("status")).stdout;
  expect(after).not.toContain("trouble");
  expect(after).toMatch(/^error     2026-01-01 12:00:\d\d, .* ago, credential: .*status 502$/m);
});

test("the end that status foretells is the end of the backlog", async () => {
  let clock = { now: startAt };
  await using edge = fakeCloudflare({
    now: () => clock.now,
    limit: { calls: 50, windowMs: 300_000 },
    contract: "off",
  });
  using web = site(edge, { startAt, config: { budget: "50" } });
  clock = web.clock;
  for (let last = 0; last < 180; last += 1) await web.run(`ban 198.51.100.${last} --jail sshd`);
  await web.deliverOnce();
  const { doneAt } = JSON.parse((await web.run("status --json")).stdout);
  while (edge.rules().length < 180) await web.deliver();
  const { scopes } = JSON.parse((await web.run("status --json")).stdout);
  // A courier looks at the journal now and then, and a round of many calls is a few slots long.
  expect(Math.abs(scopes[0].succeededAt - doneAt)).toBeLessThan(30_000);
  expect(doneAt - startAt).toBeGreaterThan(900_000);
}, 60_000);

test("status --json has exactly the fields that docs/operations.md describes", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { startAt, config: { zones: '["example.com", "example.net"]' } });
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliverOnce();
  const status = JSON.parse((await web.run("status --json")).stdout);
  const list = JSON.parse((await web.run("list --json")).stdout);
  expect([status.version, list.version]).toEqual([1, 1]);
  expect(status).toMatchObject({ verdict: "config", holds: 1, networks: 1, atEdge: 1, pending: 1 });
  const alone = documented("## status --json").filter((key) => !/^fleet\b/.test(key));
  expect(keysOf(status)).toEqual(alone);
  expect(keysOf(list)).toEqual(documented("## list --json"));
});

test.each([
  ["status --watch", "stdout is not a terminal"],
  ["status --watch --json", "--json is not for a terminal"],
])("%j is refused with a remedy", async (line, says) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const { code, stdout, stderr } = await web.run(line);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(`Cannot run status with "--watch": ${says} (`);
});

/** Names of all fields, those of objects in it as "jails.held". */
function keysOf(value: object, prefix = ""): string[] {
  const keys = Object.entries(value).flatMap(([key, field]): string[] => {
    const inner = Array.isArray(field) ? field[0] : field;
    const deeper = typeof inner === "object" && inner !== null ? keysOf(inner, `${prefix}${key}.`) : [];
    return [`${prefix}${key}`, ...deeper];
  });
  return keys.toSorted();
}

/** The fields in the first column of the table under a heading. */
function documented(heading: string): string[] {
  const text = readFileSync(join(import.meta.dir, "../../docs/operations.md"), "utf8");
  const [part = ""] = text.slice(text.indexOf(`${heading}\n`) + heading.length).split("\n## ");
  return [...part.matchAll(/^\| `([\w.]+)`/gm)].map(([, name = ""]) => name).toSorted();
}
