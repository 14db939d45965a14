import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, statSync } from "node:fs";
import { loadConfig } from "../../src/config.ts";
import { Failure } from "../../src/errors.ts";
import { readDump } from "../../src/fail2ban/dump.ts";
import { actionFile, jailFile, localActionFile } from "../../src/fail2ban/files.ts";
import { readVersion } from "../../src/fail2ban/version.ts";
import { fakeFail2ban } from "../support/fake-fail2ban.ts";
import type { FakeFail2ban } from "../support/fake-fail2ban.ts";
import { machine, packagedAction } from "../support/machine.ts";
import type { Machine } from "../support/machine.ts";
import { testRuntime } from "../support/runtime.ts";

const action = "etc/fail2ban/action.d/cloudflare.conf";
const local = "etc/fail2ban/action.d/cloudflare.local";
const jail = "etc/fail2ban/jail.d/nginx-limit-req.conf";
const config = "etc/fail2ban-cloudflare/config.toml";
const binary = "usr/local/bin/fail2ban-cloudflare";
const unit = "etc/systemd/system/fail2ban-cloudflare.path";

function server(purgeEdge?: () => Promise<void>): { web: Machine; fail2ban: FakeFail2ban } & Disposable {
  const fail2ban = fakeFail2ban(() => web);
  const web = machine({ run: fail2ban.run, ...(purgeEdge === undefined ? {} : { purgeEdge }) });
  return { web, fail2ban, [Symbol.dispose]: () => web[Symbol.dispose]() };
}

function withSystemd(web: Machine): void {
  mkdirSync(web.at("run/systemd/system"), { recursive: true });
  web.write("usr/bin/systemctl", "", 0o755);
}

const modeOf = (web: Machine, path: string): string => (statSync(web.at(path)).mode & 0o777).toString(8);

test("an installation places everything with its permissions whatever the umask", async () => {
  using own = server();
  const { web } = own;
  const umask = process.umask(0o077);
  try {
    expect(await web.install()).toMatchObject({ code: 0 });
  } finally {
    process.umask(umask);
  }
  const modes = [
    binary,
    action,
    jail,
    "etc/cron.d/fail2ban-cloudflare",
    "etc/logrotate.d/fail2ban-cloudflare",
  ];
  expect(modes.map((path) => modeOf(web, path))).toEqual(["755", "644", "644", "644", "644"]);
  expect(
    [config, "etc/fail2ban-cloudflare", "var/lib/fail2ban/cloudflare"].map((path) => modeOf(web, path)),
  ).toEqual(["600", "700", "700"]);
  expect(["usr/local", "usr/local/bin", "var/lib"].map((path) => modeOf(web, path))).toEqual([
    "755",
    "755",
    "755",
  ]);
  expect(web.read(jail)).toContain(
    'iptables-multiport[name="%(__name__)s", port="%(port)s", protocol="tcp"]',
  );
});

test("it prints a line for each file, and a second time changes nothing and reloads nothing", async () => {
  using own = server();
  const { web, fail2ban } = own;
  const first = await web.install();
  expect(first.stdout.split("\n")).toContain(`~ /${action}`);
  expect(first.stdout.split("\n")).toContain(`+ /${jail}`);
  expect(first.stderr).toContain(`it is kept as "/${action}.bak"`);
  expect(web.read(`${action}.bak`)).toBe(packagedAction);
  const before = web.tree();
  web.calls.length = 0;
  const second = await web.install();
  expect(second.code).toBe(0);
  expect(second.stdout.split("\n").filter((line) => !line.startsWith("= "))).toEqual([]);
  expect(second.stderr).toBe("everything is in place");
  expect(web.tree()).toEqual(before);
  expect(web.calls.filter((call) => call.includes("reload"))).toEqual([]);
  expect(fail2ban.jails.get("nginx-limit-req")).toEqual(["iptables-multiport", "cloudflare"]);
});

test("--dry-run shows the same lines and changes nothing", async () => {
  using own = server();
  const { web } = own;
  const before = web.tree();
  const shown = await web.install("--dry-run");
  expect(web.tree()).toEqual(before);
  expect((await web.install()).stdout).toBe(shown.stdout);
  const installed = web.tree();
  const removal = await web.uninstall("--dry-run");
  expect(web.tree()).toEqual(installed);
  expect((await web.uninstall()).stdout).toBe(removal.stdout);
});

test("uninstall puts everything back to the byte, but for configuration and journal", async () => {
  using own = server();
  const { web, fail2ban } = own;
  web.write(jail, "[nginx-limit-req]\n# somebody's own\n", 0o600);
  const before = web.tree("etc/fail2ban");
  await web.install();
  expect(web.read(`${jail}.bak`)).toContain("somebody's own");
  expect((await web.uninstall()).code).toBe(0);
  expect(web.tree("etc/fail2ban")).toEqual(before);
  expect(Object.keys(web.tree()).filter((path) => path.includes("fail2ban-cloudflare"))).toEqual([
    "dist/fail2ban-cloudflare",
    "etc/fail2ban-cloudflare",
    config,
  ]);
  expect(fail2ban.jails.get("nginx-limit-req")).toEqual([""]);
  expect((await web.uninstall()).stderr).toContain("nothing is left to remove");
});

test("a copy that somebody made before is not overwritten, and not taken for ours", async () => {
  using own = server();
  const { web } = own;
  web.write(`${action}.bak`, "the package's");
  web.write(action, "the guide's");
  await web.install();
  expect(web.read(`${action}.bak.1`)).toBe("the guide's");
  await web.uninstall();
  expect([web.read(action), web.read(`${action}.bak`)]).toEqual(["the guide's", "the package's"]);
});

test("an upgrade replaces its own files without a copy and keeps what stood there before", async () => {
  using own = server();
  const { web } = own;
  await web.install();
  const old = web.read(action);
  const sum = new Bun.CryptoHasher("sha256").update("an older one\n").digest("hex").slice(0, 16);
  web.write(action, `${old.split("\n")[0]?.replace(/sha256 \w+/, `sha256 ${sum}`)}\nan older one\n`);
  web.write("dist/fail2ban-cloudflare", "#!/bin/sh\n# newer\n", 0o755);
  const upgraded = await web.install();
  expect(upgraded.stdout.split("\n").filter((line) => line.startsWith("~"))).toEqual([
    `~ /${binary}`,
    `~ /${action}`,
  ]);
  expect(web.read(action)).toBe(old);
  expect(web.read(binary)).toContain("newer");
  await web.uninstall();
  expect(web.read(action)).toBe(packagedAction);
});

test("a new binary alone costs no reload of fail2ban, and the courier is started anew with it", async () => {
  using own = server();
  const { web } = own;
  withSystemd(web);
  await web.install();
  web.write("dist/fail2ban-cloudflare", "#!/bin/sh\n# newer\n", 0o755);
  web.calls.length = 0;
  await web.install();
  expect(web.calls.filter((call) => call.includes("reload "))).toEqual([]);
  expect(web.calls).toContain("systemctl try-restart fail2ban-cloudflare.service");
});

test("a file that was edited since stays, and is named, until --force", async () => {
  using own = server();
  const { web } = own;
  await web.install();
  const edited = `${web.read(action)}# mine\n`;
  web.write(action, edited);
  const again = await web.install();
  expect(again.stderr).toContain(`"/${action}" was edited and stays as it is: --force replaces it`);
  expect(web.read(action)).toBe(edited);
  await web.install("--force");
  expect(web.read(action)).not.toContain("# mine");
  expect(web.read(`${action}.bak.1`)).toBe(edited);
  web.write(action, edited);
  const removed = await web.uninstall();
  expect(removed.stderr).toContain(`"/${action}" was edited and stays: --force removes it`);
  expect(web.read(action)).toBe(edited);
  await web.uninstall("--force");
  expect(web.read(action)).toBe(packagedAction);
});

test("--local leaves the package's file alone, also when it came over an installation without", async () => {
  using own = server();
  const { web } = own;
  await web.install();
  await web.install("--local");
  expect(web.read(action)).toBe(packagedAction);
  expect(web.read(local)).toContain("actionban");
  await web.uninstall();
  expect(web.tree("etc/fail2ban")).not.toHaveProperty("action.d/cloudflare.local");
});

test("the credential of the file that goes is in the configuration then, and readable by nobody else", async () => {
  using own = server();
  const { web } = own;
  web.write(action, '[Definition]\nactionban = curl\n[Init]\ncfuser = me@example.com\ncftoken = marker"$&\n');
  const { stdout, stderr } = await web.install();
  expect(`${stdout}${stderr}`).not.toContain("marker");
  const { profiles } = loadConfig(testRuntime({ root: web.path }), web.at(config));
  expect(profiles.get("")?.credential).toEqual({ email: "me@example.com", apiKey: 'marker"$&' });
  expect(modeOf(web, config)).toBe("600");
});

test("a configuration that is there is never touched", async () => {
  using own = server();
  const { web } = own;
  web.write(config, "budget = 100\n", 0o600);
  await web.install("--force");
  expect(web.read(config)).toBe("budget = 100\n");
});

test("--root asks and tells no program of this machine", async () => {
  using own = server();
  const { web } = own;
  expect((await web.install("--root", "/image")).code).toBe(0);
  expect(web.calls).toEqual([]);
  expect(web.read(`image/${jail}`)).toContain("iptables-multiport");
  expect(web.read(`image/${binary}`)).toBe("#!/bin/sh\n");
  expect((await web.uninstall("--root", "/image", "--purge")).code).toBe(0);
  expect(Object.entries(web.tree("image")).filter(([, kind]) => !kind.endsWith("directory"))).toEqual([]);
});

test("a tree with systemd gets the units, and nothing is enabled in it", async () => {
  using own = server();
  const { web } = own;
  mkdirSync(web.at("image/usr/lib/systemd/system"), { recursive: true });
  const { stdout } = await web.install("--root", "/image");
  expect(stdout).toContain(`+ /image/${unit}`);
  expect(stdout).not.toContain("cron.d");
});

test("with systemd the units are enabled before fail2ban is reloaded, and disabled at the end", async () => {
  using own = server();
  const { web } = own;
  withSystemd(web);
  await web.install();
  const told = web.calls.filter((call) => /systemctl|reload/.test(call));
  expect(told).toEqual([
    "systemctl daemon-reload",
    "systemctl enable --now fail2ban-cloudflare.path fail2ban-cloudflare.timer",
    "systemctl try-restart fail2ban-cloudflare.service",
    "fail2ban-client -c /etc/fail2ban reload --restart --if-exists nginx-limit-req",
  ]);
  expect(web.tree("etc")).not.toHaveProperty("cron.d/fail2ban-cloudflare");
  web.calls.length = 0;
  await web.uninstall();
  expect(web.calls.filter((call) => /systemctl|stop/.test(call))).toEqual([
    "fail2ban-client -c /etc/fail2ban stop nginx-limit-req",
    "systemctl disable --now fail2ban-cloudflare.path fail2ban-cloudflare.timer",
    "systemctl stop fail2ban-cloudflare.service",
    "systemctl daemon-reload",
  ]);
});

test.each(["enable", "reload --restart", "daemon-reload"])(
  "everything is undone when %s fails",
  async (failing) => {
    using own = server();
    const { web, fail2ban } = own;
    withSystemd(web);
    const before = web.tree();
    fail2ban.failing = failing;
    const ended = await web.install();
    expect(ended.code).toBe(5);
    expect(ended.stderr).toContain("everything is as it was before");
    expect(ended.stdout).toBe("");
    expect(web.tree()).toEqual(before);
  },
);

test("everything is undone when fail2ban refuses its configuration with ours", async () => {
  using own = server();
  const { web, fail2ban } = own;
  const before = web.tree();
  let asked = 0;
  fail2ban.errors = () => ((asked += 1) === 1 ? [] : ["Errors in jail 'nginx-limit-req'. Skipping..."]);
  const ended = await web.install();
  expect(ended.code).toBe(3);
  expect(ended.stderr).toContain("with this change: Errors in jail 'nginx-limit-req'");
  expect(web.tree()).toEqual(before);
});

test("everything is undone when it is interrupted", async () => {
  const stopping = new AbortController();
  const fail2ban = fakeFail2ban(() => web);
  using web = machine({
    signal: stopping.signal,
    run(argv, options) {
      if (argv.includes("reload")) stopping.abort();
      return fail2ban.run(argv, options);
    },
  });
  const before = web.tree();
  expect((await web.install()).stderr).toContain("Interrupted; everything is as it was before");
  expect(web.tree()).toEqual(before);
  expect(fail2ban.jails.has("nginx-limit-req")).toBe(false);
});

test("everything is undone when a file cannot be placed", async () => {
  using own = server();
  const { web } = own;
  mkdirSync(web.at("etc/logrotate.d/.fail2ban-cloudflare.fail2ban-cloudflare-new"));
  const before = web.tree();
  const ended = await web.install();
  expect(ended.code).toBe(3);
  expect(ended.stderr).toContain('Cannot write "/etc/logrotate.d/fail2ban-cloudflare": ');
  expect(web.tree()).toEqual(before);
});

test("a file where a directory is needed is named before anything is done", async () => {
  using own = server();
  const { web } = own;
  web.write("var/lib/fail2ban", "");
  const ended = await web.install();
  expect(ended).toMatchObject({ code: 3, stdout: "" });
  expect(ended.stderr).toContain('"/var/lib/fail2ban/cloudflare": ENOTDIR');
});

test("what was broken before is said, with the jail and a remedy, and is not in the way", async () => {
  using own = server();
  const { web, fail2ban } = own;
  fail2ban.errors = () => ["Failed during configuration: Have not found any log file for sshd jail"];
  const ended = await web.install();
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain("was broken before: Have not found any log file for sshd jail");
  expect(ended.stderr).toContain("backend = systemd");
});

test("a server that is not running is not reloaded", async () => {
  using own = server();
  const { web, fail2ban } = own;
  fail2ban.running = false;
  const ended = await web.install();
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain("fail2ban is not running");
  expect(web.calls.filter((call) => call.includes("reload"))).toEqual([]);
});

test("a jail that runs with the stock action lifts nothing by it when it begins anew", async () => {
  using own = server();
  const { web, fail2ban } = own;
  fail2ban.jails.set("nginx-limit-req", ["cloudflare"]);
  await web.install();
  const told = web.calls.filter((call) => /actionunban|reload/.test(call));
  expect(told).toEqual([
    "fail2ban-client -c /etc/fail2ban get nginx-limit-req action cloudflare actionunban",
    "fail2ban-client -c /etc/fail2ban set nginx-limit-req action cloudflare actionunban true",
    "fail2ban-client -c /etc/fail2ban reload --restart --if-exists nginx-limit-req",
  ]);
  web.write("dist/fail2ban-cloudflare", "#!/bin/sh\n# newer\n", 0o755);
  web.write(action, `${web.read(action)}# mine\n`);
  web.calls.length = 0;
  await web.install("--force");
  expect(web.calls.filter((call) => call.includes(" set "))).toEqual([]);
});

test("a jail that runs without the action gets it, though the files were in place", async () => {
  using own = server();
  const { web, fail2ban } = own;
  await web.install();
  fail2ban.jails.set("nginx-limit-req", ["iptables-multiport"]);
  await web.install();
  expect(fail2ban.jails.get("nginx-limit-req")).toContain("cloudflare");
});

test.each([
  ["no log file", "var/log/nginx/error.log", "no file matches /var/log/nginx/*error*.log"],
  ["no filter", "etc/fail2ban/filter.d/nginx-limit-req.conf", "is missing"],
])("the jail is refused where there is %s, and --no-jail goes without it", async (_, path, state) => {
  using own = server();
  const { web } = own;
  rmSync(web.at(path));
  const before = web.tree();
  const ended = await web.install();
  expect(ended.code).toBe(3);
  expect(ended.stderr).toContain(state);
  expect(ended.stderr).toContain("install --no-jail");
  expect(web.tree()).toEqual(before);
  expect((await web.install("--no-jail")).code).toBe(0);
  expect(web.tree()).not.toHaveProperty(jail);
});

test("an override of the jail's action is named", async () => {
  using own = server();
  const { web } = own;
  web.write("etc/fail2ban/jail.local", "[sshd]\naction = x\n[nginx-limit-req]\naction = cloudflare\n");
  const ended = await web.install();
  expect(ended.stderr).toContain('"/etc/fail2ban/jail.local" sets another action for jail "nginx-limit-req"');
});

test("an action that somebody's cloudflare.local makes another one is refused", async () => {
  using own = server();
  const { web } = own;
  web.write(local, "[Definition]\nactionban = curl\n");
  const ended = await web.install();
  expect(ended.code).toBe(3);
  expect(ended.stderr).toContain('see "/etc/fail2ban/action.d/cloudflare.local"');
});

test("without iptables the local action is the one that fail2ban is set up for", async () => {
  using own = server();
  const { web } = own;
  rmSync(web.at("usr/sbin/iptables"));
  await web.install();
  expect(web.read(jail)).toContain("action   = %(action_)s\n           cloudflare\n");
});

test("without fail2ban it ends with 5 and says so", async () => {
  using own = server();
  const { web } = own;
  rmSync(web.at("usr/bin/fail2ban-client"));
  const ended = await web.install();
  expect(ended.code).toBe(5);
  expect(ended.stderr).toContain("apt-get install fail2ban");
});

test("a directory whose permissions are too wide is mended", async () => {
  using own = server();
  const { web } = own;
  await web.install();
  chmodSync(web.at("etc/fail2ban-cloudflare"), 0o755);
  expect((await web.install()).stdout).toContain("~ /etc/fail2ban-cloudflare");
  expect(modeOf(web, "etc/fail2ban-cloudflare")).toBe("700");
});

test("--purge clears Cloudflare first, then configuration and journal", async () => {
  let stood = false;
  using own = server(async () => void (stood = own.web.tree()[config] !== undefined));
  const { web } = own;
  await web.install();
  web.write("var/lib/fail2ban/cloudflare/journal.db", "");
  expect((await web.uninstall("--purge")).code).toBe(0);
  expect(stood).toBe(true);
  expect(web.tree()).not.toHaveProperty("etc/fail2ban-cloudflare");
  expect(web.tree()).not.toHaveProperty("var/lib/fail2ban/cloudflare");
});

test("--purge clears Cloudflare of what was banned while the jail went, and all is undone when it cannot", async () => {
  const past: string[] = [];
  using own = server(async () => {
    past.push(own.fail2ban.jails.has("nginx-limit-req") ? "with the jail" : "without");
    if (past.length === 4) throw new Failure("unavailable", "Cannot reach Cloudflare");
  });
  const { web } = own;
  await web.install();
  expect((await web.uninstall("--purge")).code).toBe(0);
  expect(past).toEqual(["with the jail", "without"]);
  await web.install();
  const before = web.tree();
  expect((await web.uninstall("--purge")).stderr).toContain("everything is as it was before");
  expect(web.tree()).toEqual(before);
  expect(own.fail2ban.jails.get("nginx-limit-req")).toContain("cloudflare");
});

test("when Cloudflare cannot be cleared, nothing is removed", async () => {
  using own = server(() => Promise.reject(new Failure("unavailable", "Cannot reach Cloudflare")));
  const { web } = own;
  await web.install();
  const before = web.tree();
  const ended = await web.uninstall("--purge");
  expect(ended.code).toBe(5);
  expect(ended.stderr).toContain("Cannot reach Cloudflare; nothing was removed");
  expect(web.tree()).toEqual(before);
});

test.each([
  ["0.8", ["restored", "family", "actionflush", "actionprolong", '"<bantime>"']],
  ["0.9", ["restored", "family", "actionflush", "actionprolong", '"<bantime>"']],
  ["0.10", ["actionprolong", '"<bantime>"']],
  ["0.11", []],
  ["1.1", []],
])("the action for fail2ban %s has no tag that it lacks", (text, lacking) => {
  const version = readVersion(`Fail2Ban v${text}.3`) ?? [0, 0];
  const commands = [actionFile(version), localActionFile(version)].map((file) =>
    file
      .split("\n")
      .filter((line) => !line.startsWith("#"))
      .join("\n"),
  );
  for (const file of commands) {
    for (const word of lacking) expect(file).not.toContain(word);
    for (const name of ["actionstart =", "actionstop =", "actionban =", "actionunban =", "actioncheck =\n"])
      expect(file).toContain(name);
  }
  expect(jailFile(version, { iptables: true }).includes("cloudflare[bantime=")).toBe(lacking.length > 0);
});

test("the dump is read as Python wrote it", () => {
  const dump = readDump(
    [
      "['set', 'loglevel', 'INFO']",
      "['add', 'web', 'auto']",
      "['set', 'web', 'maxretry', 3]",
      "['set', 'web', 'addlogpath', '/var/log/it\\'s.log', 'head']",
      "['set', 'web', 'addaction', 'iptables']",
      "['set', 'web', 'addaction', 'cloudflare']",
      "['multi-set', 'web', 'action', 'cloudflare', [['actionban', \"'x' ban\"], ['cfbin', '/x']]]",
      "['config-error', \"Jail 'other' skipped, because of wrong configuration\"]",
    ].join("\n"),
  );
  const web = dump.jails.get("web");
  expect(web).toMatchObject({
    actions: ["iptables", "cloudflare"],
    logs: ["/var/log/it's.log"],
    backend: "auto",
  });
  expect(web?.commands("cloudflare")).toEqual(["'x' ban"]);
  expect(web?.options("cloudflare")).toEqual(
    new Map([
      ["actionban", "'x' ban"],
      ["cfbin", "/x"],
    ]),
  );
  expect(dump.errors).toEqual(["Jail 'other' skipped, because of wrong configuration"]);
});
