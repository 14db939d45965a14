import { expect, test } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";

const foreign = [
  ["a human's block", { value: "203.0.113.7", mode: "block", notes: "bad neighbour" }],
  ["a human's whitelist", { value: "203.0.113.7", mode: "whitelist", notes: "our office" }],
  ["another host's rule", { value: "203.0.113.7", mode: "block", notes: "Fail2Ban sshd host:web2" }],
  ["the stock action's rule", { value: "203.0.113.7", mode: "block", notes: "Fail2Ban sshd" }],
  [
    "a rule of a host whose name ends like ours",
    { value: "2001:db8::7", mode: "challenge", notes: "Fail2Ban sshd host:my-web1" },
  ],
] as const;

test.each(foreign)("%s stays as it is through ban, sync and unban", async (_, planted) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  edge.plant(edge.zone.scope, planted);
  const before = JSON.stringify(edge.rules());
  await web.run(`ban ${planted.value} --jail sshd`);
  await web.deliver();
  expect(JSON.stringify(edge.rules())).toBe(before);
  expect((await web.run("list")).stdout).toContain("foreign");
  await web.run(`ban ${planted.value} --jail sshd --mode js_challenge`);
  await web.deliver();
  web.clock.now += 3_700_000;
  await web.deliver();
  await web.run(`unban ${planted.value} --jail sshd`);
  await web.deliver();
  expect(JSON.stringify(edge.rules())).toBe(before);
});

test("a filter that Cloudflare ignores deletes nobody's rule", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  edge.plant(edge.zone.scope, { value: "203.0.113.99", mode: "block", notes: "Fail2Ban sshd host:web1" });
  edge.fail({ kind: "lostAnswer" }, { times: 1, when: ({ method }) => method === "POST" });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  expect(edge.blocked()).toEqual(["203.0.113.99"]);
});

test("a rule that somebody deleted in the dashboard comes back within the hour", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.remove(edge.rules()[0]?.id ?? "");
  web.clock.now += 3_700_000;
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("a rule of ours that nobody holds is removed by the hourly sync", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.deliver();
  edge.plant(edge.zone.scope, { value: "203.0.113.9", mode: "block", notes: "Fail2Ban sshd host:web1" });
  edge.plant(edge.zone.scope, { value: "203.0.113.10", mode: "block", notes: "Fail2Ban sshd host:web2" });
  web.clock.now += 3_700_000;
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.10"]);
});

test("an unban of a rule that is gone already is a success", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  edge.remove(edge.rules()[0]?.id ?? "");
  await web.run("unban 203.0.113.7 --jail sshd");
  expect((await web.deliverOnce()).code).toBe(0);
});
