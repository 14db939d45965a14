import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { purgeEdge } from "../../src/commands/purge.ts";
import { Failure } from "../../src/errors.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { testRuntime } from "../support/runtime.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";

/** As uninstall --purge does it, with the site's clock; what it threw, or "done". */
async function purge(web: Site, signal?: AbortSignal): Promise<string> {
  const runtime = testRuntime({
    fetch,
    now: () => web.clock.now,
    async sleep(ms) {
      await Bun.sleep(0);
      web.clock.now += ms;
    },
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    await purgeEdge({ runtime, configPath: web.configPath });
    return "done";
  } catch (error) {
    if (error instanceof Failure) return `${error.kind}: ${error.summary}`;
    throw error;
  }
}

const isDelete = ({ method }: { method: string }) => method === "DELETE";

test("purge removes all of ours at every place, known to the journal or not, and nobody else's", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "client.example" }] });
  using web = site(edge, {
    config: { account: JSON.stringify(edge.account.id), zones: null },
    tables: '[profiles.client-a]\nzones = ["client.example"]\n',
  });
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.run("ban 2001:db8::1 --jail nginx --profile client-a");
  await web.deliver();
  edge.plant(edge.account.scope, { value: "203.0.113.2", notes: "Fail2Ban old host:web1" });
  const foreign = [
    { value: "203.0.113.3", notes: "bad neighbour" },
    { value: "203.0.113.4", notes: "Fail2Ban sshd" },
    { value: "203.0.113.5", notes: "Fail2Ban sshd host:web2" },
    { value: "203.0.113.6", notes: "Fail2Ban sshd host:my-web1" },
  ];
  for (const rule of foreign) edge.plant(edge.account.scope, rule);
  expect(await purge(web)).toBe("done");
  expect(edge.blocked()).toEqual(foreign.map(({ value }) => value));
  expect((await web.run("list")).stdout.split("\n")).toHaveLength(1);
  expect(edge.violations).toEqual([]);
});

test("purge empties a place that has left the configuration", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  web.configure({ config: { zones: '["example.org"]' } });
  expect(await purge(web)).toBe("done");
  expect(edge.rules()).toEqual([]);
});

test("purge is refused while a profile that is gone from the configuration still has rules", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "client.example" }] });
  const tables = '[profiles.client-a]\nzones = ["client.example"]\n';
  using web = site(edge, { tables });
  await web.run("ban 203.0.113.1 --jail sshd --profile client-a");
  await web.run("ban 203.0.113.2 --jail sshd");
  await web.deliver();
  web.configure({});
  expect(await purge(web)).toContain("put [profiles.client-a] back");
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2"]);
  web.configure({ tables });
  expect(await purge(web)).toBe("done");
  expect(edge.rules()).toEqual([]);
});

test("purge takes rules and a zone that are gone already as removed", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const last of [1, 2, 3]) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  edge.onRequest = ({ method, path }) => {
    if (method === "DELETE") edge.remove(path.split("/").at(-1) ?? "");
  };
  expect(await purge(web)).toBe("done");
  expect(edge.rules()).toEqual([]);
  web.configure({ config: { zones: `["${"0".repeat(32)}"]` } });
  expect(await purge(web)).toBe("done");
});

test.each([
  ["cannot be reached", { kind: "reset" }, "unavailable: Cannot reach Cloudflare"],
  ["answers with an error", { kind: "status", status: 500 }, "unavailable: Cloudflare cannot do"],
  ["rejects the credential", { kind: "status", status: 403 }, "rejected: Cloudflare rejects the credential"],
] as const)("when Cloudflare %s in the middle, what was removed comes back", async (_, fault, says) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const last of [1, 2, 3]) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  const [first] = edge.rules();
  edge.fail(fault, {
    times: Number.POSITIVE_INFINITY,
    when: ({ method, path }) => isDelete({ method }) && !path.endsWith(first?.id ?? ""),
  });
  expect(await purge(web)).toContain(says);
  expect(edge.rules().length).toBe(2);
  edge.heal();
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
});

test("an interrupted purge says so, and what was removed comes back", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const last of [1, 2, 3]) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  const stopping = new AbortController();
  edge.onRequest = ({ method }) => {
    if (method === "DELETE") stopping.abort();
  };
  expect(await purge(web, stopping.signal)).toMatch(/^unavailable: (Interrupted|.*stopped)$/);
  edge.onRequest = null;
  await web.deliver();
  expect(edge.blocked()).toHaveLength(3);
});

test("what a purge that was killed has removed comes back", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const last of [1, 2, 3]) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  const aside = `${web.journalPath}.as-it-was`;
  edge.onRequest = ({ method }) => {
    if (method === "DELETE") copyFileSync(`${web.journalPath}-wal`, `${aside}-wal`);
    if (method === "DELETE") copyFileSync(web.journalPath, aside);
  };
  expect(await purge(web)).toBe("done");
  expect(edge.blocked()).toEqual([]);
  edge.onRequest = null;
  for (const ending of ["", "-wal"]) copyFileSync(`${aside}${ending}`, `${web.journalPath}${ending}`);
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
});

test("a purge of more than the budget waits, and exceeds neither it nor a pause that Cloudflare asks for", async () => {
  const startAt = Date.UTC(2026, 0, 1);
  let clock = { now: startAt };
  await using edge = fakeCloudflare({
    now: () => clock.now,
    limit: { calls: 20, windowMs: 300_000 },
    contract: "off",
  });
  using web = site(edge, { startAt, config: { budget: "20" } });
  clock = web.clock;
  for (let last = 1; last <= 50; last += 1)
    edge.plant(edge.zone.scope, { value: `203.0.113.${last}`, notes: "Fail2Ban sshd host:web1" });
  edge.fail({ kind: "rateLimited", retryAfterS: 40 }, { times: 1, when: isDelete });
  expect(await purge(web)).toBe("done");
  expect(edge.rules()).toEqual([]);
  expect(edge.overLimit).toBe(0);
});

test("a purge where no credential ever was has nothing to do", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: null } });
  expect(await purge(web)).toBe("done");
  expect(edge.calls).toEqual([]);
});

test("a purge where the credential has gone is refused", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  web.configure({ config: { api_token_file: null } });
  expect(await purge(web)).toContain("config: Cannot find a Cloudflare credential");
  expect(edge.blocked()).toEqual(["203.0.113.1"]);
});

test("after a purge the bans that fail2ban still has stay lifted", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  await web.deliver();
  web.fail2banBans([{ jail: "sshd", ip: "203.0.113.1" }]);
  await purge(web);
  web.clock.now += 3_700_000;
  await web.deliver();
  expect(edge.rules()).toEqual([]);
});
