import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { fakeFail2ban } from "../support/fake-fail2ban.ts";
import type { FakeFail2ban } from "../support/fake-fail2ban.ts";
import { machine, packagedAction } from "../support/machine.ts";
import type { Machine } from "../support/machine.ts";

const action = "etc/fail2ban/action.d/cloudflare.conf";
const local = "etc/fail2ban/action.d/cloudflare.local";
const jail = "etc/fail2ban/jail.d/nginx-limit-req.conf";
const packaged = "usr/bin/fail2ban-cloudflare";
const other = "usr/local/bin/fail2ban-cloudflare";
const errorLog = "var/log/nginx/error.log";

/** A server whose program came with a package; or from elsewhere. */
function server(program: string = packaged): { web: Machine; fail2ban: FakeFail2ban } & Disposable {
  const fail2ban = fakeFail2ban(() => web);
  const web = machine({ run: fail2ban.run, program });
  return { web, fail2ban, [Symbol.dispose]: () => web[Symbol.dispose]() };
}

function withSystemd(web: Machine): void {
  mkdirSync(web.at("run/systemd/system"), { recursive: true });
  web.write("usr/bin/systemctl", "", 0o755);
}

test("a package's program stays where it is, and everything calls it there", async () => {
  using own = server();
  const { web } = own;
  withSystemd(web);
  expect(await web.install()).toMatchObject({ code: 0 });
  expect(existsSync(web.at(other))).toBe(false);
  const service = web.read("etc/systemd/system/fail2ban-cloudflare.service");
  expect(service).toContain("\nExecStart=/usr/bin/fail2ban-cloudflare deliver\n");
  expect(web.read(action)).toContain("\ncfbin = /usr/bin/fail2ban-cloudflare\n");
  expect(`${service}${web.read(action)}`).not.toContain("/usr/local/bin");
  expect((await web.install()).stderr).toBe("everything is in place");

  expect((await web.uninstall()).code).toBe(0);
  expect(web.read(action)).toBe(packagedAction);
  expect(existsSync(web.at(packaged))).toBe(true);
});

test("without systemd, cron calls the package's program", async () => {
  using own = server();
  await own.web.install();
  expect(own.web.read("etc/cron.d/fail2ban-cloudflare")).toContain(" /usr/bin/fail2ban-cloudflare deliver ");
});

test("a package's new program costs no reload of fail2ban, and the courier is started anew with it", async () => {
  using own = server();
  const { web } = own;
  withSystemd(web);
  await web.install();
  web.calls.length = 0;
  await web.install("--as-before");
  expect(web.calls.filter((call) => call.includes("reload "))).toEqual([]);
  expect(web.calls).toContain("systemctl try-restart fail2ban-cloudflare.service");
});

test("a package takes over from an installation without one, which leaves nothing behind", async () => {
  using own = server();
  const { web } = own;
  web.write(other, "#!/bin/sh\n", 0o755);
  const { code, stdout, stderr } = await web.install();
  expect({ code, lines: stdout.split("\n") }).toMatchObject({
    code: 0,
    lines: expect.arrayContaining([`- /${other}`]),
  });
  expect(stderr).toContain(`"/${other}" goes`);
  expect(existsSync(web.at(other))).toBe(false);
});

test("--root with a package's program prepares a tree that has none", async () => {
  using own = server();
  expect((await own.web.install("--root", "/image")).code).toBe(0);
  expect(own.web.read(`image/${action}`)).toContain("cfbin = /usr/local/bin/fail2ban-cloudflare\n");
  expect(existsSync(own.web.at(`image/${other}`))).toBe(true);
});

test.each([
  [["--no-jail"], [true, false, false]],
  [["--local"], [false, true, true]],
  [
    ["--local", "--no-jail"],
    [false, true, false],
  ],
  [[], [true, false, true]],
])("--as-before keeps the choice %j", async (chosen, standing) => {
  using own = server();
  const { web } = own;
  await web.install(...chosen);
  const before = web.tree("etc");
  expect((await web.install("--as-before", "--local")).stderr).toBe("everything is in place");
  expect(web.tree("etc")).toEqual(before);
  const isOurs = (path: string): boolean =>
    existsSync(web.at(path)) && web.read(path).startsWith("# Managed by fail2ban-cloudflare");
  expect([action, local, jail].map(isOurs)).toEqual(standing);
});

test("--as-before takes what is given where nothing stands, also after a removal", async () => {
  using own = server();
  const { web } = own;
  await web.install();
  await web.uninstall();
  expect((await web.install("--as-before", "--local")).code).toBe(0);
  expect(web.read(action)).toBe(packagedAction);
  expect(existsSync(web.at(jail))).toBe(true);
});

test("--as-before leaves out a jail that would keep fail2ban from starting, and says so", async () => {
  using own = server();
  const { web, fail2ban } = own;
  rmSync(web.at(errorLog));
  const { code, stderr } = await web.install("--as-before", "--local");
  expect(code).toBe(0);
  expect(stderr).toContain("no file matches /var/log/nginx/*error*.log");
  expect(stderr).toContain("it is left out until: fail2ban-cloudflare install --local");
  expect(existsSync(web.at(jail))).toBe(false);
  web.write(errorLog, "");
  expect((await web.install("--local")).code).toBe(0);
  expect(fail2ban.jails.get("nginx-limit-req")).toContain("cloudflare");
});

/** The journal as a program with many more migrations leaves it. */
function newerJournal(path: string): void {
  using db = new Database(path, { create: true });
  db.run("PRAGMA user_version = 1000");
}

test.each([
  ["at its usual place", "var/lib/fail2ban/cloudflare/journal.db", ""],
  ["where the configuration has it", "srv/journal.db", 'journal = "/srv/journal.db"\n'],
])("an older program is refused while the journal %s is a newer one's", async (_, path, configuration) => {
  using own = server("dist/fail2ban-cloudflare");
  const { web } = own;
  await web.install();
  web.write("etc/fail2ban-cloudflare/config.toml", configuration, 0o600);
  mkdirSync(web.at("srv"));
  newerJournal(web.at(path));
  web.write("dist/fail2ban-cloudflare", "#!/bin/sh\n# older\n", 0o755);
  const before = web.tree();
  const { code, stdout, stderr } = await web.install();
  expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
  expect(stderr).toContain(`Cannot use journal "/${path}": version 1000 is from a newer fail2ban-cloudflare`);
  expect(web.tree()).toEqual(before);
});
