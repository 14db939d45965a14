import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import { obstacle } from "./network.ts";
import { mustRun, runProgram, startProgram } from "./program.ts";
import type { Ended } from "./program.ts";
import { releaseTest } from "./release.ts";
import { tempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

export const jail = "nginx-limit-req";

/** What scripts/test.sh has made with debootstrap. */
const base = process.env["FAIL2BAN_CLOUDFLARE_DEBIAN"] ?? "";

/** A Debian that has booted: systemd is its first process, fail2ban runs, and loopback is all the network there is. */
export interface Debian extends AsyncDisposable {
  /** Where its root directory is here. */
  at(path: string): string;
  read(path: string): string;
  write(path: string, text: string, mode?: number): void;
  /** Runs a program in it, with nothing in its environment but PATH. */
  run(...argv: readonly string[]): Promise<Ended>;
  /** The same for one that has no business failing; what it printed. */
  mustRun(...argv: readonly string[]): Promise<string>;
  /** Names a credential, a zone and the fake in the configuration that an installation has left. */
  configure(edge: FakeCloudflare): void;
  /** What its journal and fail2ban's log say, for a test that failed. */
  story(): Promise<string>;
}

/** A test on a Debian of its own. */
export function debianTest(name: string, run: () => Promise<void>): void {
  const programs = ["systemd-nspawn", "nsenter", "dpkg-deb", "rpmbuild"];
  const missing = base === "" ? "needs FAIL2BAN_CLOUDFLARE_DEBIAN" : null;
  releaseTest(name, { programs, obstacle: missing ?? obstacle }, run);
}

/** Boots a copy; what happens in it is forgotten. `launcher`: the start of the command line that runs it. */
export async function bootDebian(launcher: readonly string[] = []): Promise<Debian> {
  const temporary = tempRoot();
  const root = temporary.at("root");
  for (const name of ["root", "changes", "work"]) mkdirSync(temporary.at(name));
  const layers = `lowerdir=${base},upperdir=${temporary.at("changes")},workdir=${temporary.at("work")}`;
  await mustRun(["mount", "-t", "overlay", "overlay", "-o", layers, root]);
  const at = (path: string): string => join(root, path);
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text, { mode });
  };
  // Nothing there writes sshd's log, and there is no firewall to ban in.
  write("etc/fail2ban/jail.d/sshd.local", "[sshd]\nenabled = false\n");
  write("etc/fail2ban/action.d/here.conf", "[Definition]\nactionban = true\nactionunban = true\n");
  write("etc/fail2ban/jail.local", "[DEFAULT]\nbanaction = here\n");
  write("var/log/nginx/error.log", "");

  // Without --private-network: it shares the test's, in which the fake is.
  const nspawn = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--link-journal=no"];
  const machine = startProgram(
    [...launcher, ...nspawn, "--boot", "--console=pipe", `--directory=${root}`],
    temporary.at("console"),
  );
  const children = `/proc/${machine.pid}/task/${machine.pid}/children`;
  const first = (): string => (existsSync(children) ? readFileSync(children, "utf8").trim() : "");
  const run: Debian["run"] = (...argv) =>
    runProgram(["nsenter", "--all", "-t", first(), "--", ...argv], {
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin" },
      deadlineMs: 60_000,
    });
  const debian: Debian = {
    at,
    write,
    run,
    read: (path) => readFileSync(at(path), "utf8"),
    async mustRun(...argv) {
      const { code, stdout, stderr } = await run(...argv);
      if (code === 0) return stdout;
      throw new Error(`${argv.join(" ")} ended with ${code}: ${stdout}${stderr}\n${await debian.story()}`);
    },
    configure({ token, url }) {
      write("etc/fail2ban-cloudflare/token", token, 0o600);
      const file = "etc/fail2ban-cloudflare/config.toml";
      const lines = [
        'api_token_file = "/etc/fail2ban-cloudflare/token"',
        'zones = ["example.com"]',
        `api_base = "${url}"`,
      ];
      write(file, `${debian.read(file)}\n${lines.join("\n")}\n`);
    },
    async story() {
      const unit = await run("journalctl", "--no-pager", "--unit=fail2ban-cloudflare.service");
      const log = existsSync(at("var/log/fail2ban.log")) ? debian.read("var/log/fail2ban.log") : "";
      return `${unit.stdout}\n${log}`;
    },
    async [Symbol.asyncDispose]() {
      await machine.end("SIGTERM");
      await mustRun(["umount", root]);
      temporary[Symbol.dispose]();
    },
  };
  await until(async () => machine.isRunning && first() !== "" && (await isUp(debian)), {
    what: () => `a booted Debian: ${machine.output()}`,
    deadlineMs: 60_000,
  });
  return debian;
}

async function isUp({ run }: Debian): Promise<boolean> {
  const { stdout } = await run("systemctl", "is-system-running");
  const { code } = await run("fail2ban-client", "ping");
  return ["running", "degraded"].includes(stdout.trim()) && code === 0;
}
