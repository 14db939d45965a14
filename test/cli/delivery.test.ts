import { expect, test } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";

test("ban and unban arrive at the edge and leave it", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  expect(await web.run("ban 203.0.113.7 --jail sshd --bantime 600")).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  });
  expect(edge.calls).toEqual([]);
  expect((await web.deliver()).code).toBe(0);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect(edge.rules()[0]).toMatchObject({
    mode: "block",
    notes: "Fail2Ban sshd host:web1",
    configuration: { target: "ip" },
  });
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
  expect(edge.violations).toEqual([]);
});

test("an unban is one DELETE, as the rule's id is kept", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  const before = edge.calls.length;
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  expect(edge.calls.slice(before).map(({ method }) => method)).toEqual(["DELETE"]);
});

test("two jails hold one address: the block goes with the last of them", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("ban 203.0.113.7 --jail nginx-limit-req");
  await web.deliver();
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  await web.run("unban 203.0.113.7 --jail nginx-limit-req");
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
});

test("a ban that is lifted before it was delivered costs no call", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  expect(edge.calls.filter(({ path }) => path.includes("access_rules"))).toEqual([]);
});

test.each([
  ["203.0.113.7", ["203.0.113.7"]],
  ["2001:db8::7", ["2001:db8::7"]],
  ["2001:0DB8:0::0007", ["2001:db8::7"]],
  ["::ffff:203.0.113.7", ["203.0.113.7"]],
  ["203.0.113.77/24", ["203.0.113.0/24"]],
  ["2001:db8:1::5/64", ["2001:db8:1::/64"]],
  ["198.51.100.8/30", ["198.51.100.10", "198.51.100.11", "198.51.100.8", "198.51.100.9"]],
])("ban of %s blocks exactly that", async (address, blocked) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.runArgs("ban", address, "--jail", "sshd");
  await web.deliver();
  expect(edge.blocked().toSorted()).toEqual(blocked.toSorted());
  await web.runArgs("unban", address, "--jail", "sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
});

test.each(["block", "managed_challenge", "js_challenge", "challenge"])(
  "mode %s of a jail is the rule's",
  async (mode) => {
    await using edge = fakeCloudflare();
    using web = site(edge);
    await web.run(`ban 203.0.113.7 --jail sshd --mode ${mode}`);
    await web.deliver();
    expect(edge.rules().map((rule) => rule.mode)).toEqual([mode as "block"]);
  },
);

test("the strictest mode of two jails counts, and changes when its jail lets go", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const modes = () => edge.rules().map(({ mode }) => mode);
  await web.run("ban 203.0.113.7 --jail a --mode managed_challenge");
  await web.deliver();
  await web.run("ban 203.0.113.7 --jail b --mode block");
  await web.deliver();
  expect(modes()).toEqual(["block"]);
  await web.run("unban 203.0.113.7 --jail b");
  await web.deliver();
  expect(modes()).toEqual(["managed_challenge"]);
});

test("every zone of the configuration gets its rule", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  using web = site(edge, { config: { zones: '["example.com", "example.org"]' } });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  const zones = edge.zones.map(({ id }) => edge.blocked({ type: "zone", id }));
  expect(zones).toEqual([["203.0.113.7"], ["203.0.113.7"]]);
});

test("an account's rules are used where an account is named", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { zones: null, account: JSON.stringify(edge.account.id) } });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.rules().map(({ scope }) => scope.type)).toEqual(["organization"]);
});

test("the user's own rules are used with email and Global API Key alone", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, {
    config: {
      zones: null,
      api_token_file: null,
      email: JSON.stringify(edge.email),
      api_key: JSON.stringify(edge.apiKey),
    },
  });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.rules()[0]).toMatchObject({
    mode: "block",
    configuration: { target: "ip", value: "203.0.113.7" },
    notes: "Fail2Ban sshd host:web1",
    scope: { type: "user" },
  });
});

test("a profile of the configuration has its own credential and zones", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "client.example" }] });
  using web = site(edge, {
    tables: `[profiles.client-a]\nzones = ["client.example"]\napi_token = "${edge.accountToken}"\n`,
  });
  await web.run("ban 203.0.113.7 --jail sshd --profile client-a");
  await web.deliver();
  expect(edge.rules().map(({ scope }) => scope.name)).toEqual(["client.example"]);
});

test("[jails] names the profile of a jail whose line in fail2ban names none", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "client.example" }] });
  using web = site(edge, {
    tables: '[jails]\n"a shop" = "client-a"\n[profiles.client-a]\nzones = ["client.example"]\n',
  });
  const zones = () => edge.rules().map(({ scope }) => scope.name);
  await web.runArgs("ban", "203.0.113.7", "--jail", "a shop", "--profile", "");
  await web.deliver();
  expect(zones()).toEqual(["client.example"]);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(zones()).toEqual(["client.example", "example.com"]);
  await web.runArgs("unban", "203.0.113.7", "--jail", "a shop", "--profile", "");
  await web.deliver();
  expect(zones()).toEqual(["example.com"]);
});

test("two profiles that share a zone share its rule: it goes with the last hold of either", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { tables: '[profiles.other]\nzones = ["example.com"]\n' });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("ban 203.0.113.7 --jail sshd --profile other");
  await web.deliver();
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  await web.run("unban 203.0.113.7 --jail sshd --profile other");
  await web.deliver();
  expect(edge.blocked()).toEqual([]);
});

test("a changed list of zones moves every block", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  web.configure({ config: { zones: '["example.org"]' } });
  await web.deliver();
  expect(edge.rules().map(({ scope }) => scope.name)).toEqual(["example.org"]);
});
