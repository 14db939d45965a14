import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { openReadOnly } from "./journal-file.ts";
import { mustRun, runProgram, startProgram, systemPath } from "./program.ts";
import type { Ended, Program } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

/** A real fail2ban-server with its own configuration, socket, database and log. */
export interface Fail2ban extends AsyncDisposable {
  /** Its configuration directory, a copy of what the package installed. */
  readonly directory: string;
  readonly databasePath: string;
  readonly logPath: string;
  /** Writes a file of the configuration, as "jail.d/web.conf". */
  write(path: string, text: string): void;
  /** Returns when the server answers. */
  start(): Promise<void>;
  /** As the service is stopped: returns when all actions have run and the server is gone. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** As by a crash: no action runs. */
  kill(): Promise<void>;
  client(...args: readonly string[]): Promise<Ended>;
  /** Bans and unbans as an administrator does, and fails with the client. */
  banip(jail: string, ...addresses: readonly string[]): Promise<void>;
  unbanip(jail: string, ...addresses: readonly string[]): Promise<void>;
  /** What the jail bans now. */
  banned(jail: string): Promise<string[]>;
  /** What it would restore after a crash: fail2ban writes a ban there some time after its actions. */
  stored(jail: string): string[];
  log(): string;
}

export interface Fail2banOptions {
  readonly loglevel?: "INFO" | "DEBUG" | "HEAVYDEBUG";
  /** A directory to copy the package's configuration to; default: a temporary one. */
  readonly directory?: string;
  /** What the server, and so every action, finds in its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Put before the server's command line: where it runs. */
  readonly inside?: readonly string[];
  /** Where the server is started. */
  readonly cwd?: string;
}

const installed = "/etc/fail2ban";

/** Prepares a server; it is started when its jails are written. */
export async function fail2banServer({
  loglevel = "INFO",
  directory,
  env = { PATH: systemPath },
  cwd = "/",
  inside = [],
}: Fail2banOptions = {}): Promise<Fail2ban> {
  const temporary = tempRoot();
  const etc = directory ?? temporary.at("fail2ban");
  copyPackaged(etc);
  // Absolute paths: with a relative socket a restarted server would not be found again.
  const [socket, pidfile] = [temporary.at("f2b.sock"), temporary.at("f2b.pid")];
  const [databasePath, logPath] = [temporary.at("f2b.sqlite3"), temporary.at("fail2ban.log")];
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(etc, path)), { recursive: true });
    writeFileSync(join(etc, path), text);
  };
  write(
    "fail2ban.local",
    `[Definition]
loglevel = ${loglevel}
logtarget = ${logPath}
syslogsocket = auto
socket = ${socket}
pidfile = ${pidfile}
dbfile = ${databasePath}
`,
  );
  // There is no DNS in a test; and a server that owns an address of ours would not ban it.
  write("jail.local", "[DEFAULT]\nusedns = no\nignoreself = false\n");

  let server: Program | null = null;
  const client = (...args: readonly string[]): Promise<Ended> =>
    runProgram(["fail2ban-client", "-c", etc, ...args], { env: { PATH: systemPath } });
  const must = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await client(...args);
    if (code !== 0) throw new Error(`fail2ban-client ${args.join(" ")}: ${stdout}${stderr}${log()}`);
    return stdout.trim();
  };
  const log = (): string => (existsSync(logPath) ? readFileSync(logPath, "utf8") : "");

  const start = async (): Promise<void> => {
    const started = startProgram(
      [...inside, "fail2ban-server", "-c", etc, "-xf", "start"],
      temporary.at("fail2ban.output"),
      { env, cwd },
    );
    server = started;
    const said = (): string => `${started.output()}${log()}`;
    await until(
      async () => {
        if (!started.isRunning) throw new Error(`fail2ban-server ended: ${said()}`);
        return (await client("ping")).stdout.includes("pong");
      },
      { deadlineMs: 20_000, what: () => `an answer of fail2ban-server: ${said()}` },
    );
  };
  const kill = async (): Promise<void> => {
    await server?.end("SIGKILL");
    server = null;
    for (const path of [socket, pidfile]) rmSync(path, { force: true });
  };
  const stop = async (): Promise<void> => {
    if (server === null) return;
    const running = server;
    const { code } = await client("stop");
    if (code === 0) {
      await until(() => !running.isRunning, { deadlineMs: 20_000, what: () => `the server's end: ${log()}` });
    }
    await kill();
  };

  return {
    directory: etc,
    databasePath,
    logPath,
    write,
    start,
    stop,
    kill,
    client,
    log,
    async restart() {
      await stop();
      await start();
    },
    banip: async (jail, ...addresses) => void (await must("set", jail, "banip", ...addresses)),
    unbanip: async (jail, ...addresses) => void (await must("set", jail, "unbanip", ...addresses)),
    async banned(jail) {
      const listed = await must("get", jail, "banip");
      return listed === "" ? [] : listed.split(/\s+/);
    },
    stored(jail) {
      if (!existsSync(databasePath)) return [];
      using database = openReadOnly(databasePath);
      const rows = database.query<{ ip: string }, [string]>("SELECT ip FROM bips WHERE jail = ? ORDER BY ip");
      return rows.all(jail).map(({ ip }) => ip);
    },
    async [Symbol.asyncDispose]() {
      try {
        await stop();
      } finally {
        await kill();
        temporary[Symbol.dispose]();
      }
    },
  };
}

/** What the package installed, without what this machine's administrator made of it. */
function copyPackaged(to: string): void {
  const isOwn = (path: string): boolean =>
    /^(jail|fail2ban)\.d\/./.test(path) || basename(path).endsWith(".local");
  cpSync(installed, to, { recursive: true, filter: (path) => !isOwn(relative(installed, path)) });
  for (const name of ["jail.d", "fail2ban.d"]) mkdirSync(join(to, name), { recursive: true });
}

/** The version of the fail2ban that is installed, as "1.0.2". */
export async function fail2banVersion(): Promise<string> {
  return /\d+\.\d+[\d.]*/.exec(await mustRun(["fail2ban-client", "--version"]))?.[0] ?? "unknown";
}
