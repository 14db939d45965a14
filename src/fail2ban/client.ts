import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../errors.ts";
import type { RunResult, Runtime } from "../runtime.ts";
import { readDump } from "./dump.ts";
import type { Dump } from "./dump.ts";
import { programName } from "./files.ts";
import { isAtLeast, readVersion } from "./version.ts";
import type { Fail2banVersion } from "./version.ts";

/** A reload runs the actions of every ban of the jail: 1,600 took 20 s. */
const reloadTimeoutMs = 300_000;
const askTimeoutMs = 60_000;

/** Asks fail2ban. Never from within an action: the server waits for the action, and the client for the server. */
export interface Fail2banClient {
  readonly version: Fail2banVersion;
  /** What is wrong with the configuration; empty: nothing. */
  configErrors(): Promise<readonly string[]>;
  dump(): Promise<Dump>;
  isRunning(): Promise<boolean>;
  /** The actions of a jail of the running server; null when it has no such jail. */
  actionsOf(jail: string): Promise<readonly string[] | null>;
  reload(): Promise<void>;
  /** Has an action of a running jail lift no ban until the jail begins anew, unless it calls us. */
  hush(jail: string, action: string): Promise<void>;
  /** Starts a jail anew, or for the first time, with the actions that it now has: a plain reload drops new ones. */
  reloadJail(jail: string): Promise<void>;
  stopJail(jail: string): Promise<void>;
}

/** The fail2ban of this machine, for a configuration directory; a failure when there is none. */
export async function findFail2ban(runtime: Runtime, directory: string): Promise<Fail2banClient> {
  const program = ["/usr/bin", "/usr/local/bin", "/bin"]
    .map((bin) => join(runtime.root, bin, "fail2ban-client"))
    .find((path) => existsSync(path));
  if (program === undefined || !existsSync(directory)) {
    const missing = program === undefined ? "fail2ban-client" : `its configuration "${directory}"`;
    throw new Failure("unavailable", `Cannot find fail2ban: there is no ${missing}`, {
      hint: "apt-get install fail2ban, or the like; for a package or an image: install --root DIR",
    });
  }
  const own = directory === "/etc/fail2ban" ? [] : ["-c", directory];
  const run = (args: readonly string[], timeoutMs = askTimeoutMs): Promise<RunResult> =>
    runtime.run([program, ...own, ...args], { timeoutMs });
  const must = async (...args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await run(args, reloadTimeoutMs);
    if (code === 0) return;
    throw new Failure(
      "unavailable",
      `Cannot run fail2ban-client ${args.join(" ")}: ${reasonsOf(`${stderr}\n${stdout}`, code)[0]}`,
      {
        hint: "see /var/log/fail2ban.log",
      },
    );
  };
  const { code, stdout, stderr } = await runtime.run([program, "-V"], { timeoutMs: askTimeoutMs });
  const version = readVersion(stdout);
  if (code !== 0 || version === null) {
    throw new Failure(
      "unavailable",
      `Cannot ask "${program}" for its version: ${reasonsOf(stderr, code)[0]}`,
      { hint: `see: ${program} -V` },
    );
  }
  const knowsTest = isAtLeast(version, [0, 10]);
  return {
    version,
    async configErrors() {
      const ended = await run([knowsTest ? "-t" : "-d"]);
      return ended.code === 0 ? [] : reasonsOf(ended.stderr, ended.code);
    },
    async dump() {
      return readDump((await run(["-d"])).stdout);
    },
    async isRunning() {
      return (await run(["ping"])).code === 0;
    },
    async actionsOf(jail) {
      // Asking for a jail that is not there would leave an error in fail2ban's log.
      const list = /Jail list:(.*)$/m.exec((await run(["status"])).stdout)?.[1] ?? "";
      if (!list.split(",").some((name) => name.trim() === jail)) return null;
      const ended = await run(["get", jail, "actions"]);
      if (ended.code !== 0) return null;
      const names = ended.stdout.split("\n").slice(1).join(" ").trim();
      return names === "" ? [] : names.split(/,\s*/);
    },
    reload: () => must("reload"),
    async hush(jail, action) {
      const { code, stdout } = await run(["get", jail, "action", action, "actionunban"]);
      if (code !== 0 || stdout.includes(programName)) return;
      await must("set", jail, "action", action, "actionunban", "true");
    },
    // Of one jail, so that another's fault is not in the way.
    reloadJail: (jail) => (knowsTest ? must("reload", "--restart", "--if-exists", jail) : must("reload")),
    stopJail: (jail) => must("stop", jail),
  };
}

/** The errors among fail2ban's log lines, without time and process; at least one. */
function reasonsOf(text: string, code: number): readonly string[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const errors = lines
    .map((line) => /\bERROR\s+(.*)$/.exec(line)?.[1] ?? "")
    .map((line) => line.replace(/^Failed during configuration: /, ""))
    .filter((line) => line !== "" && !line.includes("test configuration failed"));
  return errors.length > 0 ? errors : [lines.at(-1) ?? `it ended with ${code}`];
}
