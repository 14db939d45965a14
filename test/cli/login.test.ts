import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config.ts";
import type { Permission } from "../support/cloudflare/credentials.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { testRuntime } from "../support/runtime.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";

const zoneRights: readonly Permission[] = ["Zone Read", "Firewall Services Write"];

/** What login has made of the configuration. */
function mainProfile(web: Site) {
  const { profiles } = loadConfig(testRuntime(), web.configPath);
  return profiles.get("");
}

const textOf = (web: Site, name: string): string => readFileSync(join(web.directory, name), "utf8");

test("a token is checked, and written with its zones for nobody else to read", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: null, zones: null } });
  const given = web.write("given", `${edge.grant("test-token-new", { permissions: zoneRights })}\n`, 0o644);
  rmSync(join(web.directory, "token"));
  const ended = await web.runArgs("login", "--token-file", given);
  expect(ended).toEqual({
    code: 0,
    stdout: [
      "✓ API token: active, the user's own; zones seen: 1, accounts: 0",
      "✓ zone example.com: Zone → Firewall Services → Edit",
      `✓ written: ${join(web.directory, "token")}`,
      `✓ written: ${web.configPath}`,
    ].join("\n"),
    stderr: "logged in; see: fail2ban-cloudflare doctor",
  });
  expect(mainProfile(web)).toMatchObject({
    credential: { apiTokenFile: join(web.directory, "token") },
    zones: ["example.com"],
  });
  expect(textOf(web, "token")).toBe("test-token-new\n");
  for (const name of ["token", "config.toml"]) {
    expect((statSync(join(web.directory, name)).mode & 0o777).toString(8)).toBe("600");
  }
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("the login changes nothing at Cloudflare, and keeps to its documents", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  edge.plant(edge.zone.scope, { value: "203.0.113.9", notes: "Fail2Ban sshd host:web1" });
  const before = JSON.stringify(edge.rules());
  expect((await web.runArgs("login", "--token-file", join(web.directory, "token"))).code).toBe(0);
  expect(JSON.stringify(edge.rules())).toBe(before);
  expect(edge.violations).toEqual([]);
});

test("the administrator's lines stay, and a token of old goes", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const [account, given] = [edge.account.id, web.write("given", edge.token)];
  web.write(
    "config.toml",
    [
      "# ours since 2019",
      'api_token = "test-token-of-old" # rolled',
      `api_base = "${edge.url}"`,
      "zones = [",
      '  "example.com", # the shop',
      "]",
      "budget = 500 # the rest is Terraform's",
      "[profiles.other] # a client",
      'zones = ["example.com"]',
      "",
    ].join("\n"),
  );
  expect(await web.runArgs("login", "--token-file", given, "--account", account)).toMatchObject({ code: 0 });
  expect(textOf(web, "config.toml")).toBe(
    [
      "# ours since 2019",
      "# rolled",
      `api_base = "${edge.url}"`,
      "budget = 500 # the rest is Terraform's",
      `api_token_file = "${join(web.directory, "token")}"`,
      `account = "${account}"`,
      "[profiles.other] # a client",
      'zones = ["example.com"]',
      "",
    ].join("\n"),
  );
});

test.each([
  ["nobody knows", "test-token-unknown", null, "Cloudflare does not know it"],
  ["is too short to be one", "short", null, "Cloudflare does not know it"],
  ["is disabled", "test-token-off", "disabled", "it is disabled"],
  ["has expired", "test-token-past", "expired", "it is expired"],
] as const)("a token that %s is refused, and nothing is written", async (_, token, status, says) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  if (status !== null) edge.grant(token, { permissions: "all", status });
  const [before, given] = [textOf(web, "config.toml"), web.write("given", token)];
  const ended = await web.runArgs("login", "--token-file", given);
  expect(ended).toMatchObject({ code: 4, stdout: "" });
  expect(ended.stderr).toContain(says);
  expect(ended.stderr).not.toContain(token);
  expect([textOf(web, "config.toml"), textOf(web, "token")]).toEqual([before, `${edge.token}\n`]);
});

test.each([
  [
    "may only read",
    ["Zone Read", "Firewall Services Read"],
    "Zone → Firewall Services → Edit: it may only read",
  ],
  ["may not even read", ["Zone Read"], "✗ zone example.com: Zone → Firewall Services → Edit\n"],
] as [string, Permission[], string][])("a token that %s rules is refused", async (_, rights, says) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const before = textOf(web, "config.toml");
  const given = web.write("given", edge.grant("test-token-weak", { permissions: rights }));
  const ended = await web.runArgs("login", "--token-file", given);
  expect(ended.code).toBe(4);
  expect(`${ended.stdout}\n`).toContain(says);
  expect(ended.stderr).toContain("permissionGroupKeys=");
  expect(ended.stderr).toContain("lacks Zone → Firewall Services → Edit for zone example.com");
  expect([textOf(web, "config.toml"), textOf(web, "token")]).toEqual([before, `${edge.token}\n`]);
});

test("a zone that the token does not see is named", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const given = web.write(
    "given",
    edge.grant("test-token-blind", { permissions: ["Firewall Services Write"] }),
  );
  const ended = await web.runArgs("login", "--token-file", given);
  expect(ended.code).toBe(3);
  expect(ended.stderr).toContain('Cannot find zone "example.com"');
});

test("a token that is a moment old is given time", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const given = web.write("given", edge.grant("test-token-fresh", { permissions: ["Zone Read"] }));
  let refusals = 0;
  edge.onAnswer = ({ path }) => {
    if (path.endsWith("/rules") && (refusals += 1) === 2)
      edge.grant("test-token-fresh", { permissions: zoneRights });
  };
  const startedAt = web.clock.now;
  expect((await web.runArgs("login", "--token-file", given)).code).toBe(0);
  expect(web.clock.now - startedAt).toBe(3_000);
});

test("an account's own token is found out by its account", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const given = web.write("given", edge.accountToken);
  const ended = await web.runArgs("login", "--token-file", given, "--account", edge.account.id);
  expect(ended.code).toBe(0);
  expect(ended.stdout).toContain("active, the account's own");
  expect(ended.stdout).toContain("Account → Account Firewall Access Rules → Edit");
  expect(mainProfile(web)).toMatchObject({ zones: [], account: edge.account.id });
});

test("a token that can do its work and is known to nobody is taken", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  edge.fail(
    { kind: "status", status: 401, code: 1000 },
    { times: Infinity, when: ({ path }) => path.endsWith("verify") },
  );
  const ended = await web.runArgs("login", "--token-file", web.write("given", edge.token));
  expect(ended.code).toBe(0);
  expect(ended.stdout).toContain("accepted, though no account that it sees knows it");
});

test("a Global API Key blocks in all zones of its user", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: null, zones: null } });
  const key = web.write("given", edge.apiKey);
  const ended = await web.runArgs("login", "--email", edge.email, "--key-file", key);
  expect(ended.stderr).toBe("logged in; see: fail2ban-cloudflare doctor");
  expect(mainProfile(web)).toMatchObject({
    credential: { email: edge.email, apiKeyFile: join(web.directory, "key") },
    zones: [],
    account: null,
  });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked(edge.user.scope)).toEqual(["203.0.113.7"]);
});

test.each<[string, string[], string[]]>([
  ["every zone of its account", [], []],
  ["the zone that is named", ["--zones", "example.com"], ["example.com"]],
])("a list is logged in for, and acts in %s", async (_, more, zones) => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { zones: null } });
  const rights: readonly Permission[] = ["Zone Read", "Account Filter Lists Write", "Zone WAF Write"];
  const given = web.write("given", edge.grant("test-token-list", { permissions: rights }));
  const line = ["login", "--token-file", given, "--backend", "list", "--account", edge.account.id, ...more];
  const ended = await web.runArgs(...line);
  expect(ended.stderr).toBe("logged in; see: fail2ban-cloudflare doctor");
  expect(ended.stdout).toContain("✓ zone example.com: Zone → Zone WAF → Edit");
  expect(mainProfile(web)).toMatchObject({ zones, account: edge.account.id, list: { name: "fail2ban" } });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect(edge.rules()).toEqual([]);
});

test("a wrong key is refused", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const ended = await web.runArgs(
    "login",
    "--email",
    edge.email,
    "--key-file",
    web.write("given", "test-key-no"),
  );
  expect(ended.code).toBe(4);
  expect(ended.stderr).toContain("Unknown X-Auth-Key");
});

test("another profile gets a token and zones of its own, and the main one stays", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.net" }] });
  using web = site(edge);
  const before = textOf(web, "config.toml");
  const given = web.write("given", edge.grant("test-token-client", { permissions: zoneRights }));
  const line = [
    "login",
    "--token-file",
    given,
    "--profile",
    "client-a",
    "--zones",
    "example.net, example.com",
  ];
  expect(await web.runArgs(...line, "--mode", "managed_challenge")).toMatchObject({ code: 0 });
  const added = textOf(web, "config.toml").slice(before.length);
  expect(textOf(web, "config.toml")).toStartWith(before);
  expect(added.trim().split("\n")).toEqual([
    "[profiles.client-a]",
    `api_token_file = "${join(web.directory, "token-client-a")}"`,
    'zones = ["example.net", "example.com"]',
    'mode = "managed_challenge"',
  ]);
  expect([textOf(web, "token"), textOf(web, "token-client-a")]).toEqual([
    `${edge.token}\n`,
    "test-token-client\n",
  ]);
});

test("a token file that two profiles share is left to the other", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const shared = JSON.stringify(join(web.directory, "token"));
  web.configure({ tables: `[profiles.a]\napi_token_file = ${shared}\nzones = ["example.com"]\n` });
  const given = web.write("given", edge.grant("test-token-a", { permissions: zoneRights }));
  expect((await web.runArgs("login", "--token-file", given, "--profile", "a")).code).toBe(0);
  expect([textOf(web, "token"), textOf(web, "token-a")]).toEqual([`${edge.token}\n`, "test-token-a\n"]);
});

test("where several zones are there and none is named, the choice is the administrator's", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.net" }] });
  using web = site(edge, { config: { zones: null } });
  const ended = await web.runArgs("login", "--token-file", join(web.directory, "token"));
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain("the token sees 2 zones (--zones example.com,example.net or --account ID)");
});

test.each([
  [["--token-file", "TOKEN", "--zones", "example.com", "--account", "x"], "an account is named too"],
  [["--token-file", "TOKEN", "--zones", "example.com,"], "a name is empty"],
  [["--token-file", "TOKEN", "--email", "admin@example.com"], "a token and a key at once"],
  [["--key-file", "TOKEN"], "whose key it is"],
  [["--token-file", "TOKEN", "--mode", "drop"], "one of: block, challenge"],
  [["--token-file", "TOKEN", "--backend", "lists"], "one of: access-rules, list"],
  [["--token-file", "TOKEN", "--profile", "a.b"], "letters, digits"],
  [["--token", "TOKEN"], "there is no such option"],
  [[], "stdin or stdout is no terminal (login --token-file FILE"],
])("%j is refused without a call", async (line, says) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const ended = await web.runArgs(
    "login",
    ...line.map((word) => word.replace("TOKEN", join(web.directory, "token"))),
  );
  expect(ended).toMatchObject({ code: 2, stdout: "" });
  expect(ended.stderr).toContain(says);
  expect(edge.calls).toEqual([]);
});

test.each([
  ["is not there", null, "ENOENT"],
  ["holds two lines", "one\ntwo", "holds a space or a control character"],
  ["is empty", "", "it is empty"],
])("a token file that %s is named", async (_, text, says) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const path = text === null ? join(web.directory, "none") : web.write("given", text);
  const ended = await web.runArgs("login", "--token-file", path);
  expect(ended.code).toBe(3);
  expect(ended.stderr).toContain(path);
  expect(ended.stderr).toContain(says);
  expect(ended.stderr).not.toContain("two");
});

test("when one of the two files cannot be written, the other is as it was", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const given = web.write("given", edge.grant("test-token-new", { permissions: zoneRights }));
  mkdirSync(join(web.directory, ".config.toml.fail2ban-cloudflare-new"));
  const ended = await web.runArgs("login", "--token-file", given, "--mode", "challenge");
  expect(ended.code).toBe(3);
  expect(ended.stderr).toContain("Cannot write");
  expect(textOf(web, "token")).toBe(`${edge.token}\n`);
  expect(textOf(web, "config.toml")).not.toContain("challenge");
});

test("an outage is told from a refusal", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  edge.fail({ kind: "status", status: 503 }, { times: Infinity });
  const ended = await web.runArgs("login", "--token-file", join(web.directory, "token"));
  expect(ended.code).toBe(5);
  expect(existsSync(web.journalPath)).toBe(false);
});
