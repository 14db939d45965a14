import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { TempRoot } from "./temp-root.ts";

/** Where the real programs are; the tests that need them are skipped without. */
const [server, client, packaged] = ["/usr/bin/fail2ban-server", "/usr/bin/fail2ban-client", "/etc/fail2ban"];
export const hasFail2ban = [server, client, packaged].every((path) => existsSync(path));

const deadlineMs = 20_000;

export interface PrivateFail2ban extends AsyncDisposable {
  /** Runs fail2ban-client; its output, both streams. */
  ask(...args: readonly string[]): string;
  start(): Promise<void>;
  stop(): Promise<void>;
  log(): string;
}

/** The packaged configuration, copied below a root, with a socket, a database and a log of its own. */
export function privateFail2ban(root: TempRoot): PrivateFail2ban {
  const directory = root.at("etc/fail2ban");
  rmSync(directory, { recursive: true, force: true });
  cpSync(packaged, directory, { recursive: true, dereference: true });
  for (const name of readdirSync(join(directory, "jail.d"))) rmSync(join(directory, "jail.d", name));
  mkdirSync(root.at("run"), { recursive: true });
  root.write(
    "etc/fail2ban/fail2ban.local",
    [
      "[Definition]",
      `socket = ${root.at("run/fail2ban.sock")}`,
      `pidfile = ${root.at("run/fail2ban.pid")}`,
      `dbfile = ${root.at("var/fail2ban.sqlite3")}`,
      `logtarget = ${root.at("var/log/fail2ban.log")}`,
      "syslogsocket = auto",
      "",
    ].join("\n"),
  );
  mkdirSync(root.at("var/log"), { recursive: true });
  rmSync(root.at("usr/bin/fail2ban-client"), { force: true });
  symlinkSync(client, root.at("usr/bin/fail2ban-client"));

  const ask = (...args: readonly string[]): string => {
    const { stdout, stderr } = Bun.spawnSync([client, "-c", directory, ...args], { cwd: "/" });
    return `${stdout}${stderr}`;
  };
  let running: Bun.Subprocess | null = null;
  const stop = async (): Promise<void> => {
    if (running === null) return;
    running.kill("SIGTERM");
    const late = setTimeout(() => running?.kill("SIGKILL"), deadlineMs);
    await running.exited;
    clearTimeout(late);
    running = null;
  };
  return {
    ask,
    stop,
    async start() {
      const own = Bun.spawn([server, "-c", directory, "-xf", "start"], {
        cwd: "/",
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      });
      running = own;
      await until(() => own.exitCode !== null || ask("ping").includes("pong"));
      if (own.exitCode !== null) throw new Error(`fail2ban-server ended with ${own.exitCode}`);
    },
    log: () => readFileSync(root.at("var/log/fail2ban.log"), "utf8"),
    [Symbol.asyncDispose]: stop,
  };
}

/** Waits for a condition of another process; a test that waits in vain fails. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > giveUpAt) throw new Error(`not so after ${deadlineMs} ms: ${condition.toString()}`);
    await Bun.sleep(20);
  }
}
