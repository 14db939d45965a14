import { expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";

interface Moved extends AsyncDisposable {
  readonly edge: FakeCloudflare;
  readonly web: Site;
  /** Addresses that were unblocked for a moment though fail2ban bans them. */
  readonly gaps: Set<string>;
}

/** A jail that is ours now, with these bans and these rules of the stock action from before. */
async function moved(
  banned: readonly string[],
  left: readonly string[],
  options: Parameters<typeof site>[1] = {},
): Promise<Moved> {
  const edge = fakeCloudflare();
  const web = site(edge, options);
  await web.run("start --jail sshd");
  web.fail2banBans(banned.map((ip) => ({ jail: "sshd", ip, untilAt: web.clock.now + 3_600_000 })));
  for (const value of left) edge.plant(edge.zone.scope, { value, notes: "Fail2Ban sshd" });
  const gaps = new Set<string>();
  const guarded = banned.filter((ip) => left.includes(ip));
  edge.onAnswer = () => guarded.filter((ip) => !edge.blocked().includes(ip)).forEach((ip) => gaps.add(ip));
  return {
    edge,
    web,
    gaps,
    async [Symbol.asyncDispose]() {
      web[Symbol.dispose]();
      await edge[Symbol.asyncDispose]();
    },
  };
}

const notesOf = (edge: FakeCloudflare): Record<string, string> =>
  Object.fromEntries(edge.rules().map(({ configuration, notes }) => [configuration.value, notes]));

test("--adopt makes live rules of the stock action ours, without a gap, and removes stale ones", async () => {
  await using own = await moved(
    ["203.0.113.1", "203.0.113.2", "203.0.113.3"],
    ["203.0.113.1", "203.0.113.2", "203.0.113.8"],
  );
  const { edge, web, gaps } = own;
  const ids = edge.rules().map(({ id }) => id);
  const before = [JSON.stringify(edge.rules()), web.dump()];
  const dry = await web.run("sync --adopt --dry-run");
  expect([JSON.stringify(edge.rules()), web.dump()]).toEqual(before);
  const done = await web.run("sync --adopt");
  expect(done.code).toBe(0);
  expect(done.stdout).toBe(dry.stdout);
  expect(done.stdout.split("\n")).toEqual([
    "+ 203.0.113.1 in the journal: banned by sshd, not held",
    "+ 203.0.113.2 in the journal: banned by sshd, not held",
    "+ 203.0.113.3 in the journal: banned by sshd, not held",
    "+ 203.0.113.3 at zone example.com: held for sshd, not there",
    "~ 203.0.113.1 at zone example.com: left by the stock action (sshd), to be ours",
    "~ 203.0.113.2 at zone example.com: left by the stock action (sshd), to be ours",
    "- 203.0.113.8 at zone example.com: left by the stock action (sshd), stale: fail2ban does not ban it",
  ]);
  expect(notesOf(edge)).toEqual({
    "203.0.113.1": "Fail2Ban sshd host:web1",
    "203.0.113.2": "Fail2Ban sshd host:web1",
    "203.0.113.3": "Fail2Ban sshd host:web1",
  });
  expect(edge.rules().filter(({ id }) => ids.includes(id))).toHaveLength(2);
  expect(gaps).toEqual(new Set());
  expect((await web.run("sync --adopt --dry-run")).stdout).not.toMatch(/^[-+~]/m);
  web.fail2banBans([]);
  for (const last of [1, 2, 3]) await web.run(`unban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  expect(edge.rules()).toEqual([]);
  expect(edge.violations).toEqual([]);
});

test("what --adopt was killed at is known to be ours, and goes with its unban", async () => {
  await using own = await moved(["203.0.113.1"], ["203.0.113.1", "203.0.113.8"]);
  const { edge, web } = own;
  const killedAt = `${web.directory}/killed`;
  edge.onAnswer = ({ method }) => {
    if (method === "PATCH") cpSync(dirname(web.journalPath), killedAt, { recursive: true });
  };
  expect(await web.run("sync --adopt")).toMatchObject({ code: 0 });
  edge.plant(edge.zone.scope, { value: "203.0.113.8", notes: "Fail2Ban sshd" });
  web.configure({ config: { journal: JSON.stringify(`${killedAt}/${basename(web.journalPath)}`) } });
  web.fail2banBans([]);
  await web.run("unban 203.0.113.1 --jail sshd");
  await web.deliverOnce();
  expect(notesOf(edge)).toEqual({ "203.0.113.8": "Fail2Ban sshd" });
});

test("--adopt leaves what others left, and names the stock action's jails that are not ours", async () => {
  await using own = await moved([], []);
  const { edge, web } = own;
  const foreign = [
    { value: "203.0.113.1", notes: "Fail2Ban postfix" },
    { value: "203.0.113.2", notes: "Fail2Ban sshd host:web2" },
    { value: "203.0.113.3", notes: "fail2ban by hand" },
    { value: "203.0.113.4", notes: "Fail2Ban sshd", mode: "whitelist" },
  ] as const;
  for (const rule of foreign) edge.plant(edge.zone.scope, rule);
  const before = JSON.stringify(edge.rules());
  const { stdout } = await web.run("sync --adopt");
  expect(JSON.stringify(edge.rules())).toBe(before);
  expect(stdout).toContain(
    "= 203.0.113.1 at zone example.com: left by the stock action (postfix), whose jail is not ours",
  );
  expect(stdout).not.toMatch(/203\.0\.113\.[234]/);
});

test("--keep-stale leaves what another server may hold by the stock action", async () => {
  await using own = await moved(["203.0.113.1"], ["203.0.113.1", "203.0.113.8"]);
  const { edge, web } = own;
  expect((await web.run("sync --adopt --keep-stale")).stdout).toContain("= 203.0.113.8 at zone example.com");
  expect(notesOf(edge)).toEqual({ "203.0.113.1": "Fail2Ban sshd host:web1", "203.0.113.8": "Fail2Ban sshd" });
});

test("a rule that the first jail left is kept for the second one that bans the address too", async () => {
  await using own = await moved([], ["203.0.113.1"]);
  const { edge, web } = own;
  await web.run("start --jail nginx");
  web.fail2banBans([
    { jail: "nginx", ip: "203.0.113.1" },
    { jail: "sshd", ip: "203.0.113.9" },
  ]);
  await web.run("sync --adopt");
  expect(notesOf(edge)["203.0.113.1"]).toBe("Fail2Ban nginx host:web1");
});

test("a rule is ours in the jail's own mode then, and a wider network is blocked before the old rule goes", async () => {
  await using own = await moved(["203.0.113.1", "2001:db8::7"], ["203.0.113.1", "2001:db8::7"], {
    config: { mode: '"managed_challenge"', ipv6_prefix: "64" },
  });
  const { edge, web } = own;
  const order: string[] = [];
  edge.onAnswer = ({ method }) => void order.push(method);
  expect((await web.run("sync --adopt")).code).toBe(0);
  expect(edge.rules().map(({ mode, configuration }) => [mode, configuration.value])).toEqual([
    ["managed_challenge", "203.0.113.1"],
    ["managed_challenge", "2001:0db8:0000:0000:0000:0000:0000:0000/64"],
  ]);
  expect(order.filter((method) => method !== "GET")).toEqual(["POST", "PATCH", "DELETE"]);
});

test("an old rule stays while Cloudflare refuses the wider network that is to come in its place", async () => {
  await using own = await moved(["2001:db8::7"], ["2001:db8::7"], { config: { ipv6_prefix: "64" } });
  const { edge, web } = own;
  edge.fail(
    { kind: "status", status: 400, code: 10014, message: "quota" },
    { times: Number.POSITIVE_INFINITY, when: ({ method }) => method === "POST" },
  );
  expect((await web.run("sync --adopt")).code).toBe(4);
  expect(edge.blocked()).toEqual(["2001:db8::7"]);
});

test("a ban that comes for a stale address while it is removed is blocked in the end", async () => {
  await using own = await moved(["203.0.113.1"], ["203.0.113.8"]);
  const { edge, web } = own;
  edge.onRequest = async ({ method }) => {
    if (method === "DELETE") await web.run("ban 203.0.113.8 --jail sshd");
  };
  expect((await web.run("sync --adopt")).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.8"]);
  expect(notesOf(edge)["203.0.113.8"]).toBe("Fail2Ban sshd host:web1");
});

test("a rule that somebody changes after it was judged is left as it is", async () => {
  await using own = await moved(["203.0.113.1"], ["203.0.113.1", "203.0.113.8"]);
  const { edge, web } = own;
  let judged = false;
  edge.onAnswer = ({ query }) => {
    if (query["notes"] !== "Fail2Ban" || judged) return;
    judged = true;
    for (const { id, configuration } of edge.rules()) {
      edge.remove(id);
      edge.plant(edge.zone.scope, { value: configuration.value, notes: "mine now" });
    }
  };
  expect((await web.run("sync --adopt")).code).toBe(0);
  expect(notesOf(edge)).toEqual({ "203.0.113.1": "mine now", "203.0.113.8": "mine now" });
});

test.each([
  ["the network fails", { kind: "reset" }, 5],
  ["Cloudflare asks for fewer calls", { kind: "rateLimited", retryAfterS: 40 }, 5],
  ["the token may not change rules", { kind: "status", status: 403 }, 4],
] as const)(
  "when %s in the middle nothing is unblocked, and a second run ends it",
  async (_, fault, code) => {
    const banned = Array.from({ length: 20 }, (_, index) => `203.0.113.${index + 1}`);
    await using own = await moved(banned, [...banned, "198.51.100.8"]);
    const { edge, web, gaps } = own;
    let patches = 0;
    edge.fail(fault, {
      times: Number.POSITIVE_INFINITY,
      when: ({ method }) => method === "PATCH" && (patches += 1) > 9,
    });
    const first = await web.run("sync --adopt");
    expect(first.code).toBe(code);
    expect(first.stderr).toContain("run it again: fail2ban-cloudflare sync --adopt");
    expect(edge.blocked()).toHaveLength(21);
    edge.heal();
    web.clock.now += 300_000;
    expect((await web.run("sync --adopt")).code).toBe(0);
    expect(new Set(Object.values(notesOf(edge)))).toEqual(new Set(["Fail2Ban sshd host:web1"]));
    expect(edge.rules()).toHaveLength(20);
    expect(gaps).toEqual(new Set());
  },
);

test("more leftovers than the budget has calls are taken over in several runs, and cost nothing else", async () => {
  const banned = Array.from({ length: 30 }, (_, index) => `203.0.113.${index + 1}`);
  await using own = await moved(banned, banned, { config: { budget: "20" } });
  const { edge, web, gaps } = own;
  let runs = 0;
  do {
    runs += 1;
    web.clock.now += 320_000;
  } while ((await web.run("sync --adopt")).code !== 0 && runs < 5);
  expect(runs).toBe(2);
  expect(edge.calls.filter(({ method }) => method === "POST")).toEqual([]);
  expect(new Set(Object.values(notesOf(edge)))).toEqual(new Set(["Fail2Ban sshd host:web1"]));
  expect(gaps).toEqual(new Set());
});

test("nothing is judged while fail2ban's database cannot be read, nor for a jail that it does not know", async () => {
  await using own = await moved([], ["203.0.113.1"]);
  const { edge, web } = own;
  web.fail2banBans([{ jail: "postfix", ip: "203.0.113.9" }]);
  expect((await web.run("sync --adopt")).stdout).toContain("whose jail is not ours");
  web.write("fail2ban.sqlite3", "no database");
  expect(await web.run("sync --adopt")).toMatchObject({ code: 5 });
  expect(edge.blocked()).toEqual(["203.0.113.1"]);
});

test("the user's own rules are taken over with email and Global API Key", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, {
    config: {
      zones: null,
      api_token_file: null,
      email: JSON.stringify(edge.email),
      api_key: JSON.stringify(edge.apiKey),
    },
  });
  await web.run("start --jail sshd");
  web.fail2banBans([{ jail: "sshd", ip: "2001:db8::1" }]);
  edge.plant({ type: "user" }, { value: "2001:db8::1", notes: "Fail2Ban sshd" });
  expect((await web.run("sync --adopt")).code).toBe(0);
  expect(edge.rules().map(({ notes, scope }) => [notes, scope.type])).toEqual([
    ["Fail2Ban sshd host:web1", "user"],
  ]);
});
