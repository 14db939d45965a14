import { expect, test } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FaultyRequest } from "../support/cloudflare/faults.ts";
import type { FakeCloudflare, Fault } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";
import { until } from "../support/wait.ts";

const isCreate = ({ method, path }: { method: string; path: string }) =>
  method === "POST" && path.endsWith("/access_rules/rules");
const isDelete = ({ method }: { method: string }) => method === "DELETE";

const passing: readonly [name: string, fault: Fault][] = [
  ["an answer of 500", { kind: "status", status: 500 }],
  ["an answer of 408", { kind: "status", status: 408 }],
  ["a page of HTML with 503", { kind: "html", status: 503 }],
  ["a challenge page with 403", { kind: "html", status: 403 }],
  ["a page of HTML with 200", { kind: "html", status: 200 }],
  ["a reset connection", { kind: "reset" }],
  ["a lost answer", { kind: "lostAnswer" }],
  ["a cut answer", { kind: "truncated" }],
  ["an answer without a result", { kind: "nullResult" }],
  ["a rate limit", { kind: "rateLimited", retryAfterS: 7 }],
];

test.each(passing)("a ban outlives %s and arrives once", async (_, fault) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  edge.fail(fault, { times: 2, when: isCreate });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect(edge.rules()).toHaveLength(1);
  expect((await web.run("status")).stdout).toContain("pending   0");
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.rules()).toEqual([]);
});

test.each(passing)("an unban outlives %s", async (_, fault) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.fail(fault, { times: 2, when: isDelete });
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.rules()).toEqual([]);
  expect((await web.run("status")).stdout).toContain("pending   0");
});

test("a ban whose answer was lost, and that is lifted before the next try, leaves nothing at the edge", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  edge.fail({ kind: "lostAnswer" }, { times: 1, when: isCreate });
  await web.run("ban 2001:db8::7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(5);
  expect(edge.blocked()).toEqual(["2001:db8::7"]);
  await web.run("unban 2001:db8::7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
});

test.each(passing)(
  "a change of mode outlives %s, also of a rule that was lost from sight",
  async (_, fault) => {
    await using edge = fakeCloudflare();
    using web = site(edge);
    // The answer to the ban is lost, so the next one finds a rule of its own in another mode.
    edge.fail({ kind: "lostAnswer" }, { when: isCreate });
    await web.run("ban 203.0.113.7 --jail sshd --mode challenge");
    await web.deliverOnce();
    edge.fail(fault, { times: 2, when: ({ method }) => method === "PATCH" });
    await web.run("ban 203.0.113.7 --jail other --mode block");
    expect((await web.deliver()).code).toBe(0);
    expect(edge.rules().map(({ mode }) => mode)).toEqual(["block"]);
  },
);

test("one address that fails does not hold up the others", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  let refused = 0;
  edge.fail(
    { kind: "status", status: 500 },
    { times: Number.POSITIVE_INFINITY, when: (request) => isCreate(request) && refused++ === 0 },
  );
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7", "203.0.113.8"]);
});

test("an address that Cloudflare refuses is parked with its reason and the others go on", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  edge.fail(
    { kind: "status", status: 400, code: 10014, message: "invalid ip provided" },
    { times: 1, when: isCreate },
  );
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.8"]);
  expect((await web.run("list")).stdout).toContain("invalid ip provided");
  const waited = await web.run("ban 203.0.113.8 --jail sshd --wait");
  expect(waited.code).toBe(0);
});

test.each([
  ["seconds", () => "40"],
  ["a date", (now: number) => new Date(now + 40_000).toUTCString()],
])("a rate limit pauses every call until the end of a Retry-After in %s", async (_, retryAfter) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  const headers = { "Retry-After": retryAfter(web.clock.now) };
  edge.fail({ kind: "status", status: 429, code: 10429, headers });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  const before = edge.calls.length;
  const pausedAt = web.clock.now;
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.7", "203.0.113.8"]);
  expect(web.clock.now - pausedAt).toBeGreaterThanOrEqual(38_000);
  // Without a time to wait it would be a minute.
  expect(web.clock.now - pausedAt).toBeLessThan(50_000);
  expect(edge.calls.slice(before).length).toBe(2);
});

test("a rejected credential stops the calls, is tried once in five minutes, and one hook per jail says so", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  edge.revoke(edge.token);
  await web.run("ban 203.0.113.2 --jail sshd");
  await web.deliverOnce();
  const before = edge.calls.length;
  const loud = await web.run("ban 203.0.113.3 --jail sshd");
  expect(loud.code).toBe(4);
  expect(loud.stderr).toMatch(/^Recorded, but not delivered: Cloudflare rejects the credential/);
  expect(loud.stderr.split("\n")).toHaveLength(1);
  expect((await web.run("ban 203.0.113.4 --jail sshd")).code).toBe(0);
  expect((await web.run("ban 203.0.113.4 --jail other")).code).toBe(4);
  expect((await web.run("status")).code).toBe(4);
  expect(edge.calls.length).toBe(before);
  web.clock.now += 601_000;
  expect((await web.run("ban 203.0.113.5 --jail sshd")).code).toBe(4);
});

test.each([
  ["look up", false],
  ["write to", true],
])(
  "a zone that the credential may not %s is asked once in five minutes, however many bans come",
  async (_, known) => {
    let clock = { now: Date.now() };
    await using edge = fakeCloudflare({ now: () => clock.now });
    using web = site(edge);
    clock = web.clock;
    if (known) {
      await web.run("ban 203.0.113.99 --jail sshd");
      await web.deliver();
    }
    edge.revoke(edge.token);
    const rejected = () => edge.calls.filter(({ status }) => status === 403).map(({ at }) => at);
    const seen = (address: string) =>
      until(
        async () => {
          const { stdout } = await web.run("list");
          return stdout
            .split("\n")
            .some((line) => line.startsWith(address) && /pending .*for ever +\S/.test(line));
        },
        { what: `a look of the courier at ${address}` },
      );
    await web.run("ban 203.0.113.1 --jail sshd");
    const delivered = web.deliver();
    await seen("203.0.113.1");
    for (let last = 2; last <= 12; last += 1) {
      await web.run(`ban 203.0.113.${last} --jail sshd`);
      await seen(`203.0.113.${last}`);
      web.clock.now += 60_000;
    }
    edge.grant(edge.token, { permissions: "all" });
    await delivered;
    const gaps = rejected()
      .slice(1)
      .map((at, index) => at - (rejected()[index] ?? 0));
    expect(gaps.length).toBeGreaterThanOrEqual(1);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(300_000);
    expect(edge.blocked()).toHaveLength(known ? 13 : 12);
  },
);

test("a new token is used at once, and everything recorded meanwhile is delivered", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: null, api_token: '"test-token-unknown"' } });
  await web.run("ban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBeGreaterThanOrEqual(3);
  web.configure({});
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect((await web.run("status")).code).toBe(0);
});

test("an unknown zone is named by --wait and by status, and the known one is served", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { zones: '["example.com", "example.net"]' } });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  const status = await web.run("status");
  expect(status.code).toBe(3);
  expect(status.stdout).toContain('Cannot find zone "example.net"');
  const waited = await web.run("ban 203.0.113.8 --jail sshd --wait");
  expect(waited.code).toBe(3);
  expect(waited.stderr).toContain('Cannot find zone "example.net"');
});

test("the budget is never exceeded, and a backlog drains at nine tenths of its rate at least", async () => {
  const startAt = Date.UTC(2026, 0, 1);
  const [budget, windowMs, backlog] = [100, 300_000, 590];
  let clock = { now: startAt };
  await using edge = fakeCloudflare({
    now: () => clock.now,
    limit: { calls: budget, windowMs },
    contract: "off",
  });
  using web = site(edge, { startAt, config: { budget: String(budget) } });
  clock = web.clock;
  for (let index = 0; index < backlog; index += 1) await web.run(`ban 2001:db8::${index + 1} --jail sshd`);
  while (edge.rules().length < backlog) await web.deliver();

  const times = edge.calls.map(({ at }) => at);
  const inWindowOf = (end: number) => times.filter((at) => at <= end && at > end - windowMs).length;
  expect(Math.max(...times.map(inWindowOf))).toBe(budget);
  expect(edge.overLimit).toBe(0);
  // What goes at once, as the budget has not been used before, says nothing of the rate.
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const rate = (((times.length - budget) / (last - first)) * windowMs) / budget;
  console.log(
    `${times.length} calls at ${(rate * 100).toFixed(1)} % of the budgeted rate, none over the limit`,
  );
  expect(rate).toBeGreaterThanOrEqual(0.9);
});

/** Bans an address ten minutes into an outage, and says whether it is blocked five minutes later. */
async function bannedMeanwhile(fails: (edge: FakeCloudflare, call: FaultyRequest) => boolean) {
  const startAt = 1_800_000_000_000;
  let web: Site | null = null;
  const now = (): number => web?.clock.now ?? startAt;
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }], now });
  edge.fail({ kind: "status", status: 500 }, { times: Infinity, when: (call) => fails(edge, call) });
  let banned: Promise<unknown> | null = null;
  const blocked: boolean[] = [];
  const waits = (): void => {
    if (now() > startAt + 600_000) banned ??= web?.run("ban 198.51.100.7 --jail sshd") ?? null;
    if (now() < startAt + 900_000 || blocked.length > 0) return;
    blocked.push(
      edge.rules(edge.zone.scope).some(({ configuration }) => configuration.value === "198.51.100.7"),
    );
    edge.heal();
  };
  using own = site(edge, { startAt, config: { zones: '["example.com", "example.org"]' }, waits });
  web = own;
  for (let last = 1; last <= 12; last += 1) await own.run(`ban 203.0.113.${last} --jail sshd`);
  await own.deliver();
  expect(edge.rules()).toHaveLength(26);
  return { blocked, log: own.log().split("\n") };
}

test("a zone at which nothing works does not keep new bans from the others", async () => {
  const { blocked, log } = await bannedMeanwhile((edge, { path }) =>
    path.includes(edge.zones[1]?.id ?? "none"),
  );
  expect(blocked).toEqual([true]);
  const said = log.filter((line) => line.includes(" zone example.org") && !line.includes(" Ban "));
  expect(said.map((line) => line.replace(/^.*: (INFO|WARNING) +/, ""))).toEqual([
    expect.stringMatching(/^zone example\.org: .*500.*: its bans wait in the journal and are retried$/),
    "zone example.org answers again",
  ]);
});

test("networks that fail again and again do not keep back a new ban", async () => {
  const { blocked } = await bannedMeanwhile((_, { body }) => body.includes("203.0.113."));
  expect(blocked).toEqual([true]);
});
