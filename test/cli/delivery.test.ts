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

test("an unban looks at its rule, by the id that is kept, and deletes it", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  const before = edge.calls.length;
  await web.run("unban 203.0.113.7 --jail sshd");
  await web.deliverOnce();
  expect(edge.calls.slice(before).map(({ method }) => method)).toEqual(["GET", "DELETE"]);
});

test("many unbans look at their rules together", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (let last = 1; last <= 40; last += 1) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  const before = edge.calls.length;
  for (let last = 1; last <= 39; last += 1) await web.run(`unban 203.0.113.${last} --jail sshd`);
  await web.deliverOnce();
  expect(edge.blocked()).toEqual(["203.0.113.40"]);
  expect(edge.calls.length - before).toBe(39 + 1);
});

test("unbans of a few among very many rules look at theirs alone", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (let last = 1; last <= 3; last += 1) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  for (let index = 0; index < 400; index += 1) {
    const value = `2001:db8::${index.toString(16)}`;
    edge.plant(edge.zone.scope, { value, notes: "Fail2Ban other host:web1" });
  }
  const before = edge.calls.length;
  for (let last = 1; last <= 3; last += 1) await web.run(`unban 203.0.113.${last} --jail sshd`);
  await web.deliverOnce();
  // One page of the list shows how many there are.
  expect(edge.calls.slice(before).filter(({ method }) => method === "GET").length).toBeLessThanOrEqual(1 + 3);
  expect(edge.blocked()).not.toContain("203.0.113.1");
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

test("a ban that one of its two jails has let go of still comes before every unban", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const last of [1, 2, 3]) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  const before = edge.calls.length;
  for (const jail of ["sshd", "nginx"]) await web.run(`ban 203.0.113.7 --jail ${jail}`);
  for (const last of [1, 2, 3, 7]) await web.run(`unban 203.0.113.${last} --jail sshd`);
  await web.deliverOnce();
  expect(edge.calls[before]?.method).toBe("POST");
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
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
