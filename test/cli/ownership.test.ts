import { expect, test } from "bun:test";
import { ask } from "../support/cloudflare/ask.ts";
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

test.each([
  ["made it a whitelist", { mode: "whitelist" }],
  ["put a note of their own on it", { notes: "keep this one for good" }],
])("a rule of ours stays as it is after somebody has %s", async (_, change) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const address of ["203.0.113.7", "203.0.113.8", "203.0.113.9"])
    await web.run(`ban ${address} --jail sshd`);
  await web.deliver();
  const taken = edge.rules();
  for (const { id } of taken)
    await ask(edge, `PATCH /zones/{zone}/firewall/access_rules/rules/${id}`, { body: change });
  const before = JSON.stringify(edge.rules());

  // Before we can know of it, and when a comparison has told us.
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.run("ban 203.0.113.8 --jail other --mode challenge");
  await web.run("unban 203.0.113.8 --jail sshd");
  await web.deliver();
  expect(JSON.stringify(edge.rules())).toBe(before);
  web.clock.now += 3_700_000;
  await web.deliver();
  expect((await web.run("list")).stdout).toMatch(/203\.0\.113\.9 .*foreign/);
  for (const jail of ["sshd", "other"])
    for (const last of [8, 9]) await web.run(`unban 203.0.113.${last} --jail ${jail}`);
  await web.deliver();
  expect(JSON.stringify(edge.rules())).toBe(before);
});

test("a rule of somebody else's that goes just when ours is to be made does not leave the address open", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const { id } = edge.plant(edge.zone.scope, { value: "203.0.113.7", notes: "bad neighbour" });
  edge.onAnswer = ({ method }) => void (method === "POST" && edge.remove(id));
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  expect(edge.rules().map(({ notes }) => notes)).toEqual(["Fail2Ban sshd host:web1"]);
});

test("a rule of ours that goes just when its mode is to change is made anew", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd --mode challenge");
  await web.deliver();
  const [rule] = edge.rules();
  edge.onRequest = ({ method }) => void (method === "PATCH" && edge.remove(rule?.id ?? ""));
  await web.run("ban 203.0.113.7 --jail other --mode block");
  await web.deliver();
  expect(edge.rules().map(({ mode }) => mode)).toEqual(["block"]);
});
