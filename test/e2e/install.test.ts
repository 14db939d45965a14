import { expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import type { Runtime } from "../../src/runtime.ts";
import { machine } from "../support/machine.ts";
import type { Machine } from "../support/machine.ts";
import { needing } from "../support/needing.ts";
import { hasFail2ban, privateFail2ban, until } from "../support/private-fail2ban.ts";
import type { PrivateFail2ban } from "../support/private-fail2ban.ts";
import { tempRoot } from "../support/temp-root.ts";
import type { TempRoot } from "../support/temp-root.ts";

setDefaultTimeout(60_000);

const project = join(import.meta.dir, "../..");
const action = "etc/fail2ban/action.d/cloudflare.conf";
const jail = "etc/fail2ban/jail.d/nginx-limit-req.conf";

const fail2banTest = needing(hasFail2ban ? null : "needs fail2ban");
const programTest = (program: string) => needing(Bun.which(program) === null ? `needs ${program}` : null);

/** A server with the real fail2ban; the program is a script that notes its command line. */
function real(): { web: Machine; fail2ban: PrivateFail2ban; called: () => string } & AsyncDisposable {
  const calls = join(tempRoot().path, "calls");
  const web = machine({ binary: `#!/bin/sh\nprintf '%s\\n' "$*" >> '${calls}'\n`, run: spawn });
  const fail2ban = privateFail2ban(web);
  // The path of the program and of the log on this machine; a local action that needs no privilege.
  web.write(
    "etc/fail2ban/action.d/cloudflare.local",
    `[Init]\ncfbin = ${web.at("usr/local/bin/fail2ban-cloudflare")}\n`,
  );
  web.write(
    "etc/fail2ban/jail.d/nginx-limit-req.local",
    `[nginx-limit-req]\nlogpath = ${web.at("var/log/nginx/*error*.log")}\nbackend = polling\n`,
  );
  web.write("etc/fail2ban/action.d/here.conf", "[Definition]\nactionban = true\nactionunban = true\n");
  web.write("etc/fail2ban/jail.local", "[DEFAULT]\nbanaction = here\n");
  rmSync(web.at("usr/sbin/iptables"));
  return {
    web,
    fail2ban,
    called: () => Bun.spawnSync(["cat", calls]).stdout.toString(),
    async [Symbol.asyncDispose]() {
      await fail2ban[Symbol.asyncDispose]();
      rmSync(join(calls, ".."), { recursive: true, force: true });
      web[Symbol.dispose]();
    },
  };
}

const spawn: Runtime["run"] = async (argv) => {
  const child = Bun.spawn([...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe", cwd: "/" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, stdout, stderr };
};

fail2banTest(
  "a running fail2ban takes the jail with both actions, bans with them, and lets them go",
  async () => {
    await using own = real();
    const { web, fail2ban, called } = own;
    await fail2ban.start();
    const before = web.tree("etc/fail2ban");
    expect(await web.install()).toMatchObject({ code: 0 });
    expect(fail2ban.ask("get", "nginx-limit-req", "actions")).toContain("here, cloudflare");
    expect(fail2ban.ask("get", "nginx-limit-req", "action", "cloudflare", "actionban")).toStartWith(
      "BUN_JSC_useJIT=0 '",
    );
    fail2ban.ask("set", "nginx-limit-req", "banip", "203.0.113.7", "2001:db8::7");
    await until(() => called().includes("2001:db8::7"));
    expect(called()).toContain(
      "start --jail nginx-limit-req --profile  --mode \n" +
        "--config /etc/fail2ban-cloudflare/config.toml ban --jail nginx-limit-req --profile  --mode  --bantime 6000 --restored 0 -- 203.0.113.7\n",
    );

    const installed = web.tree();
    web.calls.length = 0;
    expect((await web.install()).stderr).toBe("everything is in place");
    expect(web.tree()).toEqual(installed);
    expect(web.calls.join("\n")).not.toContain("reload");

    expect(await web.uninstall()).toMatchObject({ code: 0 });
    expect(called()).toContain("flush --jail nginx-limit-req --profile  --family inet4");
    expect(called()).toContain("flush --jail nginx-limit-req --profile  --family inet6");
    expect(called().trimEnd().split("\n").at(-1)).toContain("stop --jail nginx-limit-req");
    expect(fail2ban.ask("status")).toContain("Number of jail:\t0");
    expect(web.tree("etc/fail2ban")).toEqual(before);
    expect(fail2ban.log()).not.toContain("ERROR");
  },
);

fail2banTest("a jail that runs without the action gets it, and keeps its bans", async () => {
  await using own = real();
  const { web, fail2ban, called } = own;
  const guide =
    "[nginx-limit-req]\nenabled = true\nfilter = nginx-limit-req\nbantime = 6000\naction = here\n";
  web.write(jail, guide);
  await fail2ban.start();
  fail2ban.ask("set", "nginx-limit-req", "banip", "203.0.113.7");
  const { code, stderr } = await web.install();
  expect(code).toBe(0);
  expect(stderr).toContain(`it is kept as "/${jail}.bak"`);
  expect(fail2ban.ask("get", "nginx-limit-req", "actions")).toContain("here, cloudflare");
  await until(() => called().includes("--restored 1 -- 203.0.113.7"));
  await web.uninstall();
  expect(web.read(jail)).toBe(guide);
  expect(fail2ban.ask("get", "nginx-limit-req", "actions")).not.toContain("cloudflare");
});

fail2banTest("the jail of another that uses the packaged action is told of ours", async () => {
  await using own = real();
  const { web, fail2ban, called } = own;
  web.write("var/log/other.log", "");
  web.write(
    "etc/fail2ban/jail.d/other.local",
    `[other]\nenabled = true\nbackend = polling\nfilter = sshd\nlogpath = ${web.at("var/log/other.log")}\naction = cloudflare\n`,
  );
  await fail2ban.start();
  expect((await web.install()).code).toBe(0);
  fail2ban.ask("set", "other", "banip", "203.0.113.9");
  await until(() => called().includes("203.0.113.9"));
  expect((await web.uninstall()).code).toBe(0);
  expect(fail2ban.ask("get", "other", "action", "cloudflare", "actionban")).toContain("curl");
});

fail2banTest("a jail that was broken before is named, and in nobody's way", async () => {
  await using own = real();
  const { web, fail2ban } = own;
  await fail2ban.start();
  web.write(
    "etc/fail2ban/jail.d/aaa.conf",
    `[sshd]\nenabled = true\nbackend = polling\nlogpath = ${web.at("nothing-here.log")}\n`,
  );
  const { code, stderr } = await web.install();
  expect(code).toBe(0);
  expect(stderr).toContain("was broken before: Have not found any log file for sshd jail");
  expect(fail2ban.ask("get", "nginx-limit-req", "actions")).toContain("cloudflare");
  expect((await web.uninstall()).code).toBe(0);
  expect(fail2ban.ask("status")).toContain("Number of jail:\t0");
});

fail2banTest.each([
  ["the action cannot be read", "action.d/cloudflare.local", "[Definition]\nactionban = 100%\n", 3],
  ["the jail's action is another's", "jail.local", "[nginx-limit-req]\naction = here\n", 3],
  ["the jail is switched off", "jail.d/zzz.local", "[nginx-limit-req]\nenabled = false\n", 3],
  ["no log is there", "jail.d/zzz.local", "[nginx-limit-req]\nlogpath = /nonexistent/*.log\n", 3],
  ["the action is listed twice", "jail.local", "[nginx-limit-req]\naction = cloudflare\n  cloudflare\n", 5],
])("everything is as before when %s", async (_, path, text, status) => {
  await using own = real();
  const { web, fail2ban } = own;
  await fail2ban.start();
  web.write(`etc/fail2ban/${path}`, text);
  const before = web.tree();
  const { code, stderr } = await web.install();
  expect(stderr).toContain("everything is as it was before");
  expect(code).toBe(status);
  const after = web.tree();
  for (const tree of [before, after]) {
    for (const name of Object.keys(tree))
      if (/^var\/(log\/)?fail2ban\./.test(name)) delete (tree as Record<string, string>)[name];
  }
  expect(after).toEqual(before);
  expect(fail2ban.ask("status")).toContain("Number of jail:\t0");
});

fail2banTest("a fail2ban that does not run is left alone, and starts with the jail", async () => {
  await using own = real();
  const { web, fail2ban } = own;
  const { code, stderr } = await web.install();
  expect(code).toBe(0);
  expect(stderr).toContain("fail2ban is not running");
  await fail2ban.start();
  expect(fail2ban.ask("get", "nginx-limit-req", "actions")).toContain("here, cloudflare");
});

fail2banTest("an uninstallation is refused while another jail needs the action", async () => {
  await using own = real();
  const { web } = own;
  rmSync(web.at("etc/fail2ban/action.d/cloudflare.local"));
  await web.install("--local");
  rmSync(web.at(action));
  web.write("var/log/other.log", "");
  web.write(
    "etc/fail2ban/jail.d/other.local",
    `[other]\nenabled = true\nfilter = sshd\nbackend = polling\nlogpath = ${web.at("var/log/other.log")}\naction = cloudflare\n`,
  );
  const before = web.tree();
  const { code, stderr } = await web.uninstall();
  expect(code).toBe(3);
  expect(stderr).toContain("everything is as it was before");
  expect(web.tree()).toEqual(before);
});

programTest("systemd-analyze")("systemd finds nothing wrong with the units", () => {
  using root = tempRoot();
  for (const ending of ["path", "service", "timer"]) {
    const name = `fail2ban-cloudflare.${ending}`;
    cpSync(join(project, "src/fail2ban/system", name), root.at(name));
    // The program is not on this machine.
    root.write(name, root.read(name).replace("/usr/local/bin/fail2ban-cloudflare deliver", "/bin/true"));
    const { stderr, exitCode } = Bun.spawnSync(["systemd-analyze", "verify", root.at(name)]);
    expect({ said: stderr.toString(), exitCode }).toEqual({ said: "", exitCode: 0 });
  }
});

/** The script in a directory of its own, with a binary that prints its command line. */
function download(): TempRoot {
  const root = tempRoot();
  cpSync(join(project, "install.sh"), root.at("install.sh"));
  root.write("fail2ban-cloudflare", '#!/bin/sh\necho "ran $*"\n', 0o755);
  return root;
}

function script(root: TempRoot, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const ended = Bun.spawnSync(["/bin/sh", root.at("install.sh"), ...args], { cwd: "/", env: { ...env } });
  return { code: ended.exitCode, stdout: ended.stdout.toString(), stderr: ended.stderr.toString() };
}

/** A program on PATH that only says this. */
function pretend(root: TempRoot, name: string, says: string, status = 0): Readonly<Record<string, string>> {
  root.write(`bin/${name}`, `#!/bin/sh\n${says}\nexit ${status}\n`, 0o755);
  return { PATH: root.at("bin") };
}

test("install.sh runs the binary beside it, without PATH", () => {
  using root = download();
  expect(script(root, ["--root", "/a b", "--no-jail"])).toEqual({
    code: 0,
    stdout: "ran install --root /a b --no-jail\n",
    stderr: "",
  });
  expect(script(root, ["--dry-run", "--uninstall", "--purge"]).stdout).toBe(
    "ran uninstall --dry-run --purge\n",
  );
});

test("install.sh takes the binary from dist, and makes it executable", () => {
  using root = download();
  mkdirSync(root.at("dist"));
  root.write("dist/fail2ban-cloudflare", "#!/bin/sh\necho dist\n", 0o600);
  rmSync(root.at("fail2ban-cloudflare"));
  expect(script(root, ["--dry-run"])).toMatchObject({ code: 0, stdout: "dist\n" });
});

test("install.sh checks the sum before it runs anything", () => {
  using root = download();
  const sum = new Bun.CryptoHasher("sha256").update(root.read("fail2ban-cloudflare")).digest("hex");
  root.write("SHA256SUMS", `${"0".repeat(64)}  other\n${sum}  fail2ban-cloudflare\n`);
  expect(script(root, ["--dry-run"]).code).toBe(0);
  root.write("SHA256SUMS", `${sum} *dist/fail2ban-cloudflare\n`);
  expect(script(root, ["--dry-run"]).code).toBe(0);
  root.write("SHA256SUMS", `${"0".repeat(64)}  fail2ban-cloudflare\n`);
  const refused = script(root, ["--dry-run"]);
  expect(refused).toMatchObject({ code: 3, stdout: "" });
  expect(refused.stderr).toContain("its SHA-256 sum is not the one");
  root.write("SHA256SUMS", `${sum}  fail2ban-cloudflare.sig\n`);
  expect(script(root, ["--dry-run"]).stderr).toContain("has no sum for it");
});

test.each([
  ["another CPU", "uname", '[ "$1" = -s ] && echo Linux || echo riscv64', 'Cannot run on CPU "riscv64"'],
  ["another system", "uname", '[ "$1" = -s ] && echo FreeBSD || echo amd64', "Cannot run on FreeBSD"],
])("install.sh refuses %s", (_, name, says, message) => {
  using root = download();
  const refused = script(root, ["--dry-run"], pretend(root, name, says));
  expect(refused).toMatchObject({ code: 3, stdout: "" });
  expect(refused.stderr).toContain(message);
});

test("install.sh refuses an x86_64 without SSE4.2", () => {
  using root = download();
  pretend(root, "uname", '[ "$1" = -s ] && echo Linux || echo x86_64');
  const refused = script(root, ["--dry-run"], pretend(root, "grep", "", 1));
  expect(refused).toMatchObject({ code: 3, stdout: "" });
  expect(refused.stderr).toContain("it lacks SSE4.2");
});

test("install.sh needs root where it changes the machine", () => {
  using root = download();
  const refused = script(root, [], pretend(root, "id", "echo 1000"));
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("Cannot install without root");
});

test("install.sh says what is missing where there is neither binary nor source", () => {
  using root = download();
  rmSync(root.at("fail2ban-cloudflare"));
  const refused = script(root, ["--dry-run"]);
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain("Cannot find the binary: copy fail2ban-cloudflare to");
});

test("install.sh says when the binary does not run here", () => {
  using root = download();
  root.write("fail2ban-cloudflare", "#!/nonexistent/ld-musl\n", 0o755);
  expect(script(root, ["--dry-run"]).stderr).toContain("built for another CPU or C library");
});

test("install.sh builds in a source checkout, with the Bun that is there", () => {
  using root = download();
  rmSync(root.at("fail2ban-cloudflare"));
  root.write("package.json", JSON.stringify({ devDependencies: { bun: pkg.devDependencies.bun } }));
  mkdirSync(root.at("src"));
  const builds = [
    'case "$1" in',
    "  install) [ \"$*\" = 'install --frozen-lockfile' ] ;;",
    "  run) mkdir dist && printf '#!/bin/sh\\necho \"built $*\"\\n' > dist/fail2ban-cloudflare ;;",
    "esac || exit 1",
  ].join("\n");
  const ended = script(root, ["--dry-run"], pretend(root, "bun", builds));
  expect(ended).toMatchObject({ code: 0, stdout: "built install --dry-run\n" });
});

programTest("shellcheck")("shellcheck finds nothing in install.sh", () => {
  const { stdout, exitCode } = Bun.spawnSync(["shellcheck", "-s", "dash", join(project, "install.sh")]);
  expect({ said: stdout.toString(), exitCode }).toEqual({ said: "", exitCode: 0 });
});
