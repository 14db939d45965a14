import { expect, test } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { listConfig } from "../support/list-site.ts";
import { site } from "../support/site.ts";

const pauseMs = 300_000;
const hourMs = 3_600_000;

/** What is blocked in the zone that goes by the name now. */
const blockedNow = (edge: FakeCloudflare): string[] => edge.blocked(edge.zone.scope);

test("a zone that was removed and added again is found by its new id, and all that is held is blocked there", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  using web = site(edge, { config: { zones: '["example.com", "example.org"]' } });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.addAnew("example.com");
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  for (const { scope } of edge.zones) expect(edge.blocked(scope)).toEqual(["203.0.113.7", "203.0.113.8"]);
  expect(web.log()).toContain(`Zone example.com is ${edge.zone.id} at Cloudflare now`);
  expect(await web.run("sync")).toMatchObject({ code: 0 });
  for (const address of ["203.0.113.7", "203.0.113.8"]) await web.run(`unban ${address} --jail sshd`);
  await web.deliver();
  expect(edge.rules()).toEqual([]);
  expect((await web.run("status")).stdout).toMatch(/^verdict +all is well$/m);
});

test.each(["sync", "deliver --once"])(
  "where %s met the refusal, the next one finds the zone",
  async (line) => {
    await using edge = fakeCloudflare();
    using web = site(edge);
    await web.run("ban 203.0.113.7 --jail sshd");
    await web.deliver();
    edge.addAnew("example.com");
    await web.run("ban 203.0.113.8 --jail sshd");
    await web.run(line);
    expect(await web.run(line)).toMatchObject({ code: 0 });
    expect(blockedNow(edge)).toEqual(["203.0.113.7", "203.0.113.8"]);
  },
);

test("where the former id is forbidden, not unknown, the zone is found after five minutes, also by a courier that goes on", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  const former = edge.zone.id;
  edge.addAnew("example.com");
  const when = ({ path }: { readonly path: string }) => path.includes(former);
  edge.fail({ kind: "status", status: 403, code: 10_000 }, { times: Infinity, when });
  await web.run("ban 203.0.113.8 --jail sshd");
  const from = web.clock.now;
  await web.deliver();
  expect(blockedNow(edge)).toEqual(["203.0.113.7", "203.0.113.8"]);
  expect(web.clock.now - from).toBeLessThan(pauseMs + 60_000);
});

test("where nobody is banned meanwhile, the hourly comparison, made again after ten minutes, finds the zone", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.addAnew("example.com");
  web.clock.now += hourMs;
  await web.deliver();
  web.clock.now += 2 * pauseMs;
  await web.deliver();
  expect(blockedNow(edge)).toEqual(["203.0.113.7"]);
});

test("two profiles that block in it both find the zone", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { tables: '[profiles.other]\nzones = ["example.com"]\n' });
  await web.run("ban 203.0.113.7 --jail a");
  await web.run("ban 203.0.113.8 --jail b --profile other");
  await web.deliver();
  edge.addAnew("example.com");
  await web.run("ban 203.0.113.9 --jail a");
  await web.deliver();
  web.clock.now += hourMs;
  await web.deliver();
  expect(blockedNow(edge)).toEqual(["203.0.113.7", "203.0.113.8", "203.0.113.9"]);
  await web.run("unban 203.0.113.8 --jail b --profile other");
  await web.deliver();
  expect(blockedNow(edge)).toEqual(["203.0.113.7", "203.0.113.9"]);
});

test("a zone that the token may not see for a while keeps its id and its rules", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.grant(edge.token, { permissions: [] });
  await web.run("ban 203.0.113.8 --jail sshd");
  for (let tries = 1; tries <= 2; tries += 1) {
    await web.deliverOnce();
    web.clock.now += pauseMs;
  }
  edge.grant(edge.token, { permissions: "all" });
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7", "203.0.113.8"]);
  expect(edge.calls.filter(({ method }) => method === "DELETE")).toEqual([]);
});

test.each([
  ["keeps to the zone that it still sees", "beside", [["203.0.113.7", "203.0.113.8"], []]],
  ["blocks all in the zone that it sees instead", "instead", [[], ["203.0.113.7", "203.0.113.8"]]],
] as const)("another token %s", async (_, where, blocked) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const { scope } = edge.zone;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.addAnew("example.com", where);
  const token = web.write("another", edge.grant("another-test-token", { permissions: "all" }));
  web.configure({ config: { api_token_file: JSON.stringify(token) } });
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  expect([edge.blocked(scope), blockedNow(edge)] as unknown).toEqual(blocked);
  expect(await web.run("sync")).toMatchObject({ code: 0 });
});

test.each(["access_rules", "list"])(
  "a zone keeps its id while another one of its name is there, as in another account (%s)",
  async (backend) => {
    await using edge = fakeCloudflare();
    using web = site(edge, { config: backend === "list" ? listConfig(edge) : {} });
    const { scope } = edge.zone;
    await web.run("ban 203.0.113.7 --jail sshd");
    await web.deliver();
    edge.addAnew("example.com", "beside");
    edge.fail({ kind: "status", status: 403 }, { times: 1, when: ({ method }) => method === "POST" });
    await web.run("ban 203.0.113.8 --jail sshd");
    await web.deliver();
    web.clock.now += hourMs;
    await web.deliver();
    expect(edge.blocked(scope)).toEqual(["203.0.113.7", "203.0.113.8"]);
    expect(blockedNow(edge)).toEqual([]);
  },
);

test("sync --provision makes the rule of a list in a zone that was removed and added again", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: listConfig(edge) });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.addAnew("example.com");
  expect(await web.run("sync --provision")).toMatchObject({ code: 0 });
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});
