import { expect, test } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { listConfig } from "../support/list-site.ts";
import { site } from "../support/site.ts";

const pauseMs = 300_000;
const hourMs = 3_600_000;

test("a zone that was removed and added again is found by its new id, and all that is held is blocked there", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  using web = site(edge, { config: { zones: '["example.com", "example.org"]' } });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.addAnew("example.com");
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliverOnce();
  web.clock.now += pauseMs;
  await web.deliver();
  for (const { scope } of edge.zones) expect(edge.blocked(scope)).toEqual(["203.0.113.7", "203.0.113.8"]);
  expect(web.log()).toContain("Zone example.com has another id at Cloudflare now");
  expect(await web.run("sync")).toMatchObject({ code: 0 });
  for (const address of ["203.0.113.7", "203.0.113.8"]) await web.run(`unban ${address} --jail sshd`);
  await web.deliver();
  expect(edge.rules()).toEqual([]);
  expect((await web.run("status")).stdout).toMatch(/^verdict +all is well$/m);
});

test("a courier that goes on finds the new id as well", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.addAnew("example.com");
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  expect(edge.blocked(edge.zone.scope)).toEqual(["203.0.113.7", "203.0.113.8"]);
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

test("where another token finds another zone by the name, the former one is emptied if it is still in reach", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const former = edge.zone.scope;
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.addAnew("example.com", "beside");
  const token = web.write("another", edge.grant("another-test-token", { permissions: "all" }));
  web.configure({ config: { api_token_file: JSON.stringify(token) } });
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  expect(edge.blocked(edge.zone.scope)).toEqual(["203.0.113.7", "203.0.113.8"]);
  expect(edge.rules(former)).toEqual([]);
});

test("the rule of a list is made again within the hour in a zone that was removed and added again", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: listConfig(edge) });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  edge.addAnew("example.com");
  expect(edge.blocked()).toEqual([]);
  web.clock.now += hourMs;
  await web.deliver();
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7", "203.0.113.8"]);
});

test("sync --provision makes the rule of a list in a zone that was removed and added again", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: listConfig(edge) });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.addAnew("example.com");
  expect(await web.run("sync --provision")).toMatchObject({ code: 0 });
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});
