import { copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, endCouriers } from "./binary.ts";
import { mustRun, runProgram, startProgram, systemPath } from "./program.ts";
import type { Ended, Program } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

/** A machine with the packaged fail2ban in its own places, as programs on it see it; nothing outside is changed. */
export interface PrivateMachine extends AsyncDisposable {
  /** A file of the machine, by its absolute path on it. */
  write(path: string, text: string, mode?: number): void;
  read(path: string): string;
  exists(path: string): boolean;
  run(...argv: readonly string[]): Promise<Ended>;
  /** Runs what has no business failing; what it printed. */
  must(...argv: readonly string[]): Promise<string>;
  /** Runs install.sh with the binary beside it. */
  installer(...args: readonly string[]): Promise<Ended>;
  /** Runs a line of a shell where install.sh and the binary beside it are. */
  shell(line: string): Promise<Ended>;
  /** Returns when the server answers. */
  startFail2ban(): Promise<void>;
  /** Every file and directory that is the machine's own. */
  files(): ReadonlyMap<string, PlacedFile>;
  /** Files that others may read and that hold one of the texts. */
  readableWith(...texts: readonly string[]): string[];
  /** What the programs have logged, for the message of a wait in vain. */
  story(): string;
}

/** A file as it stands; a directory's path ends with a slash. */
export interface PlacedFile {
  /** As "0644". */
  readonly mode: string;
  readonly owner: string;
  /** Another one when it was written. */
  readonly stamp: string;
}

/** Directories that are the machine's own; the rest is that of the machine around it. */
const own = ["/etc", "/usr/local", "/var/lib/fail2ban", "/var/lib/prometheus", "/var/log", "/run"];

export async function privateMachine(): Promise<PrivateMachine> {
  await using stack = new AsyncDisposableStack();
  const root = stack.use(tempRoot());
  await mustRun(["cp", "-a", "/etc", root.at("etc")]);
  for (const path of [...own, "/usr/local/bin", "/run/fail2ban", "/var/log/nginx"]) {
    mkdirSync(root.at(path), { recursive: true, mode: 0o755 });
  }
  root.write("/var/log/nginx/error.log", "");
  // No name of the world outside is asked for.
  root.write("/etc/hosts", "127.0.0.1 localhost api.cloudflare.com\n");
  root.write("/etc/fail2ban/jail.d/defaults-debian.conf", "[DEFAULT]\nusedns = no\nignoreself = false\n");

  const binds = own.map((path) => `mount --bind '${root.at(path)}' ${path} &&`).join(" ");
  const holder = startProgram(
    ["unshare", "--mount", "sh", "-c", `${binds} echo mounted && exec sleep infinity`],
    root.at("holder"),
  );
  stack.defer(() => holder.end("SIGKILL"));
  await until(() => holder.output().includes("mounted"), { what: () => `the mounts: ${holder.output()}` });
  const inside = ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`, "--wd=/"];
  const run = (...argv: readonly string[]): Promise<Ended> =>
    runProgram([...inside, ...argv], { env: { PATH: systemPath }, deadlineMs: 60_000 });
  const must = (...argv: readonly string[]): Promise<string> =>
    mustRun([...inside, ...argv], { env: { PATH: systemPath }, deadlineMs: 60_000 });

  stack.defer(() => endCouriers("/etc/fail2ban-cloudflare/config.toml"));
  const release = stack.use(tempRoot());
  copyFileSync(join(import.meta.dir, "../../install.sh"), release.at("install.sh"));
  copyFileSync(await binaryPath(), release.at("fail2ban-cloudflare"));

  const log = (path: string): string => (existsSync(root.at(path)) ? root.read(path) : "");
  let server: Program | null = null;
  stack.defer(async () => {
    if (server?.isRunning === true) await run("fail2ban-client", "stop");
    await server?.end("SIGKILL");
  });
  const owned = stack.move();
  return {
    write: root.write,
    read: root.read,
    exists: (path) => existsSync(root.at(path)),
    run,
    must,
    installer: (...args) => run("/bin/sh", release.at("install.sh"), ...args),
    shell: (line) => run("/bin/sh", "-c", `cd '${release.path}' && ${line}`),
    async startFail2ban() {
      const started = startProgram([...inside, "fail2ban-server", "-xf", "start"], root.at("server"));
      server = started;
      await until(async () => (await run("fail2ban-client", "ping")).code === 0, {
        deadlineMs: 20_000,
        what: () => `an answer of fail2ban: ${started.output()}${log("/var/log/fail2ban.log")}`,
      });
    },
    files: () =>
      new Map(
        own.flatMap((path) =>
          readdirSync(root.at(path), { recursive: true, encoding: "utf8" }).flatMap((name) =>
            placed(root.at(join(path, name)), join(path, name)),
          ),
        ),
      ),
    readableWith: (...texts) =>
      own
        .flatMap((path) => filesBelow(root.at(path)))
        .filter((path) => (lstatSync(path).mode & 0o077) !== 0)
        .filter((path) => texts.some((text) => readFileSync(path, "latin1").includes(text)))
        .map((path) => path.slice(root.path.length)),
    story: () => ["/var/log/fail2ban.log", "/var/log/fail2ban-cloudflare.log"].map(log).join("\n"),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Nothing for a file that has gone since its directory was read. */
function placed(path: string, name: string): readonly (readonly [string, PlacedFile])[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  const { mode, uid, gid, ino, mtimeMs, size } = found;
  const rights = { mode: (mode & 0o7777).toString(8).padStart(4, "0"), owner: `${uid}:${gid}` };
  if (found.isDirectory()) return [[`${name}/`, { ...rights, stamp: "" }]];
  return [[name, { ...rights, stamp: `${ino} ${mtimeMs} ${size}` }]];
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => lstatSync(path).isFile());
}
