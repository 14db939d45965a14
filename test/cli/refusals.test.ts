import { expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";

const ban = (...words: string[]) => ["ban", ...words];

const badLines: readonly [name: string, args: string[], code: number, says: string][] = [
  ["a host name", ban("--jail", "sshd", "--", "no.such.host"), 2, 'Cannot read address "no.such.host"'],
  [
    "a command in place of an address",
    ban("--jail", "sshd", "--", "$(id)"),
    2,
    'Cannot read address "$(id)"',
  ],
  ["an octal address", ban("010.1.2.3", "--jail", "sshd"), 2, 'Cannot read address "010.1.2.3"'],
  ["a number", ban("3405803783", "--jail", "sshd"), 2, "Cannot read address"],
  ["an octet too large", ban("192.0.2.500", "--jail", "sshd"), 2, 'Cannot read address "192.0.2.500"'],
  ["a zone index", ban("fe80::1%eth0", "--jail", "sshd"), 2, "Cannot read address"],
  ["a prefix too long", ban("203.0.113.0/33", "--jail", "sshd"), 2, 'Cannot read address "203.0.113.0/33"'],
  ["an empty address", ban("", "--jail", "sshd"), 2, 'Cannot read address ""'],
  ["line breaks in an address", ban("--jail", "sshd", "--", "203.0.113.7\nevil"), 2, "Cannot read address"],
  ["an address of megabytes", ban("--jail", "sshd", "--", "a".repeat(100_000)), 2, "Cannot read address"],
  ["--help as an address", ban("--jail", "sshd", "--", "--help"), 2, 'Cannot read address "--help"'],
  ["--no-wait as an address", ban("--jail", "sshd", "--", "--no-wait"), 2, 'Cannot read address "--no-wait"'],
  ["no address", ban("--jail", "sshd"), 2, "Cannot run ban without ADDRESS"],
  [
    "two addresses",
    ban("203.0.113.7", "203.0.113.8", "--jail", "sshd"),
    2,
    '"203.0.113.8": one word too many',
  ],
  ["no jail", ban("203.0.113.7"), 2, "Cannot run ban without --jail"],
  ["an empty jail", ban("203.0.113.7", "--jail", ""), 2, 'Cannot use --jail ""'],
  ["a jail with a line break", ban("203.0.113.7", "--jail", "a\nb"), 2, "Cannot use --jail"],
  ["an unknown option", ban("203.0.113.7", "--jial", "sshd"), 2, "did you mean --jail?"],
  [
    "an option of Object",
    ban("203.0.113.7", "--jail", "sshd", "--constructor", "x"),
    2,
    "there is no such option",
  ],
  ["an option twice", ban("203.0.113.7", "--jail", "a", "--jail", "b"), 2, '"--jail": it is given twice'],
  ["an option without its value", ban("203.0.113.7", "--jail"), 2, '"--jail": its value is missing'],
  [
    "a bantime in words",
    ban("203.0.113.7", "--jail", "a", "--bantime", "1h"),
    2,
    'Cannot read --bantime "1h"',
  ],
  [
    "a negative bantime",
    ban("203.0.113.7", "--jail", "a", "--bantime", "-2"),
    2,
    'Cannot read --bantime "-2"',
  ],
  [
    "a restored that is neither",
    ban("203.0.113.7", "--jail", "a", "--restored", "yes"),
    2,
    "neither 0 nor 1",
  ],
  ["an unknown mode", ban("203.0.113.7", "--jail", "a", "--mode", "drop"), 2, 'Cannot use mode "drop"'],
  ["whitelist as a mode", ban("203.0.113.7", "--jail", "a", "--mode", "whitelist"), 2, "Cannot use mode"],
  ["an unknown profile", ban("203.0.113.7", "--jail", "a", "--profile", "x"), 3, 'Cannot find profile "x"'],
  ["a network too wide for rules", ban("203.0.112.0/7", "--jail", "a"), 2, "more than 256 access rules"],
  ["an IPv6 network between the sizes", ban("2001:db8::/33", "--jail", "a"), 2, "more than 256 access rules"],
  ["an unknown command", ["bann", "203.0.113.7"], 2, "did you mean ban?"],
  ["a command of Object", ["constructor"], 2, "there is no such command"],
  ["a family that is none", ["flush", "--jail", "a", "--family", "None"], 2, 'Cannot read --family "None"'],
  ["--keep-stale alone", ["sync", "--keep-stale"], 2, "it goes with --adopt"],
  ["an unban of garbage", ["unban", "--jail", "a", "--", "`id`"], 2, 'Cannot read address "`id`"'],
];

test.each(badLines)("%s is refused in one line and changes nothing", async (_, args, code, says) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  const before = web.dump();
  const ended = await web.runArgs(...args);
  expect(ended.code).toBe(code);
  expect(ended.stderr).toContain(says);
  expect(ended.stderr.split("\n")).toHaveLength(1);
  expect(ended.stderr.length).toBeLessThan(500);
  expect(ended.stderr.replaceAll(web.directory, "")).toMatchSnapshot();
  expect(ended.stdout).toBe("");
  expect(web.dump()).toBe(before);
});

test.each([
  ["the loopback", "127.0.0.1", "the loopback"],
  ["a private address", "10.1.2.3", "private"],
  ["a mapped private address", "::ffff:192.168.1.1", "private"],
  ["link-local", "fe80::1", "link-local"],
  ["multicast", "224.0.0.1", "multicast"],
  ["a Pseudo IPv4 address", "240.16.0.1", "Pseudo IPv4"],
  ["Cloudflare's own address", "172.71.4.5", "realip"],
  ["a network around Cloudflare's", "104.0.0.0/8", "realip"],
  ["Cloudflare's IPv6 address", "2606:4700::1", "realip"],
  ["this machine's own address", "198.51.100.200", "own address"],
])("%s is never blocked", async (_, address, says) => {
  await using edge = fakeCloudflare();
  using web = site(edge, { interfaceAddresses: ["198.51.100.200", "2001:db8::200"] });
  const ended = await web.run(`ban ${address} --jail sshd`);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain(says);
  expect(ended.stderr).toMatchSnapshot();
  await web.deliver();
  expect(edge.rules()).toEqual([]);
});

test("an address that has become Cloudflare's own is never blocked once a courier has been told", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { ipv6_prefix: "48" } });
  edge.ranges = { ipv4: ["203.0.113.240/28"], ipv6: ["2001:db8:cf:1::/64"] };
  await web.run("ban 203.0.113.241 --jail sshd");
  await web.deliver();
  expect(edge.calls.filter(({ path }) => path === "/ips")).toHaveLength(1);
  const ended = await web.run("ban 203.0.113.242 --jail sshd");
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain("203.0.113.240/28 of Cloudflare");
  expect(ended.stderr).toContain("realip --refresh");
  // What was built in counts as before, and nothing is widened over a range.
  expect((await web.run("ban 172.71.4.5 --jail sshd")).stderr).toContain("realip");
  expect((await web.run("ban 2001:db8:cf:2::7 --jail sshd")).code).toBe(0);
  web.fail2banBans([
    { jail: "sshd", ip: "203.0.113.243" },
    { jail: "sshd", ip: "203.0.113.9" },
  ]);
  web.clock.now += 700_000;
  await web.deliver();
  expect(edge.blocked()).toEqual(["2001:db8:cf:2::7", "203.0.113.241", "203.0.113.9"]);
});

test.each([
  [
    "a failure",
    (edge: FakeCloudflare) =>
      edge.fail({ kind: "html", status: 503 }, { when: ({ path }) => path === "/ips" }),
  ],
  [
    "the whole Internet",
    (edge: FakeCloudflare) => void (edge.ranges = { ipv4: ["0.0.0.0/0"], ipv6: ["::/0"] }),
  ],
])("%s in place of Cloudflare's ranges keeps nobody from being blocked", async (_, spoil) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  spoil(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  expect((await web.deliver()).code).toBe(0);
  expect((await web.run("ban 203.0.113.2 --jail sshd")).code).toBe(0);
  expect((await web.run("ban 172.71.4.5 --jail sshd")).code).toBe(2);
  expect(web.log()).toContain("those known before are used");
});

test("an address to ignore is left alone without an error, and its network is not widened over it", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { ignore: '["198.51.100.0/24", "2001:db8::1"]', ipv6_prefix: "64" } });
  expect((await web.run("ban 198.51.100.9 --jail sshd")).code).toBe(0);
  expect((await web.run("ban 2001:db8::2 --jail sshd")).code).toBe(0);
  expect((await web.run("ban 2001:db8:1::2 --jail sshd")).code).toBe(0);
  await web.deliver();
  expect(edge.blocked()).toEqual(["2001:db8:1::/64", "2001:db8::2"]);
});

const badConfigs: readonly [name: string, config: Record<string, string | null>, says: string][] = [
  ["an unknown key", { zone: '"example.com"' }, "did you mean zones?"],
  ["an unknown mode", { mode: '"drop"' }, 'Cannot use mode of "'],
  ["zones that are no list", { zones: '"example.com"' }, "not a list of texts"],
  ["a budget out of reach", { budget: "99999" }, "whole number from 10 to 1200"],
  ["a relative journal", { journal: '"journal.db"' }, "not an absolute path"],
  ["plain http to the world", { api_base: '"http://api.example.com/client/v4"' }, "not https"],
  ["an ignore that is no address", { ignore: '["office"]' }, 'Cannot read address "office"'],
  [
    "an email without a key",
    { api_token_file: null, email: '"you@example.com"' },
    "email alone is no credential",
  ],
  ["a jail of a profile that is not there", { jails: '{ sshd = "x" }' }, 'there is no profile "x"'],
  ["two credentials", { api_token: '"x"' }, "more than one credential"],
  ["zones and an account", { account: '"a"' }, "keep one of the two"],
  [
    "a token file that is not there",
    { api_token_file: '"/nonexistent/token"' },
    'Cannot read credential "/nonexistent/token"',
  ],
  ["broken TOML", { zones: '["example.com"' }, "not valid TOML"],
  ["an unknown backend", { backend: '"lists"' }, "one of: access-rules, list"],
  ["a list without an account", { backend: '"list"' }, "Cannot use account of"],
  ["a list's name for access rules", { list: '"fail2ban"' }, 'backend = "list", or leave it out'],
  ["a capacity for access rules", { capacity: "100" }, 'backend = "list", or leave it out'],
  [
    "a list's name in capitals",
    { backend: '"list"', account: '"a"', list: '"Fail2Ban"' },
    "is no name for one",
  ],
  [
    "a list's name too long for a mode behind it",
    { backend: '"list"', account: '"a"', list: `"${"a".repeat(31)}"` },
    "is no name for one",
  ],
  [
    "a list's name that ends like a mode's",
    { backend: '"list"', account: '"a"', list: '"my_challenge"' },
    "ends like the list of a mode",
  ],
  [
    "no capacity at all",
    { backend: '"list"', account: '"a"', capacity: "0" },
    "whole number from 1 to 500000",
  ],
];

test.each(badConfigs)(
  "a configuration with %s is refused in one line that names the file",
  async (_, config, says) => {
    await using edge = fakeCloudflare();
    using web = site(edge);
    await web.run("ban 203.0.113.1 --jail sshd");
    const before = web.dump();
    web.configure({ config });
    const ended = await web.run("ban 203.0.113.7 --jail sshd");
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain(says);
    expect(ended.stderr.split("\n")).toHaveLength(1);
    expect(ended.stderr.replaceAll(web.directory, "")).toMatchSnapshot();
    expect(web.dump()).toBe(before);
  },
);

test("a token that others can read is refused, and its text shown nowhere", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  web.write("token", edge.token, 0o644);
  const ended = await web.run("ban 203.0.113.7 --jail sshd");
  expect(ended).toMatchObject({ code: 3, stdout: "" });
  expect(ended.stderr).toMatch(/others can read it \(chmod 600 .*token\)$/);
  expect(ended.stderr).not.toContain(edge.token);
  expect(existsSync(web.journalPath)).toBe(false);
});

test("a token that stands where its file's name belongs is refused, and shown nowhere", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: JSON.stringify(edge.token) } });
  const ended = await web.run("ban 203.0.113.7 --jail sshd");
  expect(ended).toMatchObject({ code: 3, stdout: "" });
  expect(ended.stderr).toContain("it is not an absolute path (begin it with /)");
  expect(ended.stderr).not.toContain(edge.token);
});

test.each([0o622, 0o602, 0o620, 0o666])(
  "a configuration of mode %o, which others can change, is refused before any of it is believed",
  async (mode) => {
    await using edge = fakeCloudflare();
    using web = site(edge);
    chmodSync(web.configPath, mode);
    for (const line of ["ban 203.0.113.7 --jail sshd", "deliver --once", "status"]) {
      const ended = await web.run(line);
      expect(ended).toMatchObject({ code: 3, stdout: "" });
      expect(ended.stderr).toContain("others can change it (chown root ");
    }
    expect([existsSync(web.journalPath), web.log(), edge.calls]).toEqual([false, "", []]);
  },
);

test("a token in a configuration that others can read is refused", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: null, api_token: JSON.stringify(edge.token) } });
  Bun.spawnSync(["chmod", "644", web.configPath]);
  expect(await web.run("ban 203.0.113.7 --jail sshd")).toMatchObject({ code: 3 });
});

test.each([
  ["a list that is not closed", '# mine\nhost = "web1"\nzones = ["example.com"\nbudget = 100\n', "3"],
  ["a text without quotes", "host = web1\n", "1"],
  ["a key twice", 'zones = [\n  "example.com",\n]\nbudget = 10\nbudget = 20\n', "5"],
])("a configuration with %s is refused, and says from which line on", async (_, text, line) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  web.write("config.toml", text);
  const { code, stderr } = await web.run("list");
  expect(code).toBe(3);
  expect(stderr).toContain(`it is not valid TOML from line ${line} on (`);
});

test("a broken line of TOML that holds a token is not quoted", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: null, api_token: `"${edge.token}` } });
  const ended = await web.run("ban 203.0.113.7 --jail sshd");
  expect(ended.code).toBe(3);
  expect(ended.stderr).not.toContain(edge.token);
});

test("a token with a line break inside is refused without being quoted", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  web.write("token", `${edge.token}\nsecond-line`);
  const ended = await web.run("ban 203.0.113.7 --jail sshd");
  expect(ended.code).toBe(3);
  expect(ended.stderr).not.toContain(edge.token);
});

test.each([
  ["systemd's credential directory", { CREDENTIALS_DIRECTORY: true }],
  ["CLOUDFLARE_API_TOKEN", { CLOUDFLARE_API_TOKEN: true }],
])("the credential is found in %s", async (_, kind) => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: null } });
  web.write("cloudflare-token", edge.token);
  const env: Record<string, string> =
    "CREDENTIALS_DIRECTORY" in kind
      ? { CREDENTIALS_DIRECTORY: web.directory }
      : { CLOUDFLARE_API_TOKEN: edge.token };
  web.configure({ config: { api_token_file: null }, env });
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("cfuser and cftoken of the action file are used as the guide teaches, and an open file is warned about", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: null, zones: null } });
  Bun.spawnSync(["mkdir", "-p", `${web.directory}/fail2ban/action.d`]);
  web.write("fail2ban/action.d/cloudflare.conf", "[Init]\ncfuser =\ncftoken =\n", 0o644);
  web.write(
    "fail2ban/action.d/cloudflare.local",
    `[Init]\ncfuser = ${edge.email}\ncftoken = ${edge.apiKey} ; key\n`,
    0o644,
  );
  await web.run("ban 203.0.113.7 --jail nginx-limit-req");
  await web.deliver();
  expect(edge.rules()[0]).toMatchObject({
    scope: { type: "user" },
    notes: "Fail2Ban nginx-limit-req host:web1",
  });
  expect(web.log()).toContain("chmod 600");
  expect(web.log()).not.toContain(edge.apiKey);
});

test("no credential at all is said by status and --wait, and the ban waits for one", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge, { config: { api_token_file: null } });
  expect((await web.run("ban 203.0.113.7 --jail sshd")).code).toBe(0);
  expect((await web.deliverOnce()).code).toBe(3);
  const status = await web.run("status");
  expect(status.code).toBe(3);
  expect(status.stdout).toContain("Cannot find a Cloudflare credential");
  web.configure({});
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});
