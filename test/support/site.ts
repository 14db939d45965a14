import { Database } from "bun:sqlite";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "../../src/cli.ts";
import type { Runtime } from "../../src/runtime.ts";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import { dumpOf } from "./journal-file.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SiteOptions {
  /** Lines of the configuration beside those that every test needs; null takes a default away. */
  readonly config?: Readonly<Record<string, string | null>>;
  /** Further lines at the end, as a [profiles.x] table. */
  readonly tables?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly host?: string;
  readonly directory?: string;
  readonly interfaceAddresses?: readonly string[];
  /** Where the clock begins, milliseconds since 1970. */
  readonly startAt?: number;
  /** Told whenever the program begins to wait. */
  readonly waits?: () => void;
}

/** A web server with our program on it, in this process: real files, real HTTP to the fake, a clock of its own. */
export interface Site extends Disposable {
  readonly directory: string;
  readonly configPath: string;
  readonly journalPath: string;
  /** One command line, split at spaces. */
  run(line: string): Promise<Ended>;
  runArgs(...args: readonly string[]): Promise<Ended>;
  /** A courier, from its start until it has nothing more to wait for; its waits take no time. */
  deliver(): Promise<Ended>;
  /** A courier that ends as soon as nothing can be delivered now. */
  deliverOnce(): Promise<Ended>;
  configure(options: SiteOptions): void;
  write(name: string, text: string, mode?: number): string;
  log(): string;
  /** Everything in the journal, to compare. */
  dump(): string;
  /** Bans as fail2ban's own database has them. */
  fail2banBans(rows: readonly { jail: string; ip: string; untilAt?: number; enabled?: boolean }[]): void;
  readonly clock: { now: number };
  /** How often a courier was started or woken. */
  readonly wakes: number;
}

export function site(edge: FakeCloudflare, options: SiteOptions = {}): Site {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "fail2ban-cloudflare-site-"));
  const configPath = join(directory, "config.toml");
  const journalPath = join(directory, "journal", "journal.db");
  const clock = { now: options.startAt ?? Date.now() };
  let wakes = 0;
  let asking = 0;
  let current = options;

  const write = (name: string, text: string, mode = 0o600): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const configure = (next: SiteOptions): void => {
    current = next;
    const token = write("token", `${edge.token}\n`);
    const lines: Record<string, string | null> = {
      api_token_file: JSON.stringify(token),
      zones: '["example.com"]',
      api_base: JSON.stringify(edge.url),
      journal: JSON.stringify(journalPath),
      log: JSON.stringify(join(directory, "log")),
      fail2ban: JSON.stringify(join(directory, "fail2ban")),
      host: JSON.stringify(next.host ?? "web1"),
      ...next.config,
    };
    const text = Object.entries(lines).flatMap(([key, value]) =>
      value === null ? [] : [`${key} = ${value}`],
    );
    write("config.toml", `${text.join("\n")}\n${next.tables ?? ""}`);
  };
  const runArgs = async (...args: readonly string[]): Promise<Ended> => {
    const [stdout, stderr]: [string[], string[]] = [[], []];
    const runtime: Runtime = {
      env: current.env ?? {},
      root: "/",
      execPath: "/nonexistent",
      self: ["/nonexistent"],
      hostname: "web1",
      pid: process.pid,
      signal: new AbortController().signal,
      fetch: (url, init) => {
        asking += 1;
        return fetch(url, init).finally(() => (asking -= 1));
      },
      now: () => clock.now,
      random: Math.random,
      // Time passes only here, and not while Cloudflare is asked: how long that really takes must not count.
      async sleep(ms) {
        current.waits?.();
        await Bun.sleep(0);
        if (asking === 0) clock.now += ms;
      },
      run: async () => ({ code: 127, stdout: "", stderr: "" }),
      detach: () => void (wakes += 1),
      keyboard: () => null,
      interfaceAddresses: () => current.interfaceAddresses ?? [],
      print: (line) => void stdout.push(line),
      talk: (line) => void stderr.push(line),
      terminal: () => null,
    };
    const code = await main(["--config", configPath, ...args], runtime);
    return { code, stdout: stdout.join("\n"), stderr: stderr.join("\n") };
  };

  configure(options);
  return {
    directory,
    configPath,
    journalPath,
    clock,
    get wakes() {
      return wakes;
    },
    write,
    configure,
    runArgs,
    run: (line) => runArgs(...line.split(" ")),
    deliver: () => runArgs("deliver"),
    deliverOnce: () => runArgs("deliver", "--once"),
    log: () => (existsSync(join(directory, "log")) ? readFileSync(join(directory, "log"), "utf8") : ""),
    dump: () => dumpOf(journalPath),
    fail2banBans(rows) {
      const etc = join(directory, "fail2ban");
      rmSync(etc, { recursive: true, force: true });
      const database = join(directory, "fail2ban.sqlite3");
      rmSync(database, { force: true });
      Bun.spawnSync(["mkdir", "-p", etc]);
      writeFileSync(join(etc, "fail2ban.local"), `[Definition]\ndbfile = ${database}\n`);
      using db = new Database(database, { create: true });
      db.run("CREATE TABLE jails (name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1)");
      db.run(
        "CREATE TABLE bips (ip TEXT, jail TEXT, timeofban INTEGER, bantime INTEGER, bancount INTEGER, data JSON, PRIMARY KEY (ip, jail))",
      );
      for (const { jail, ip, untilAt, enabled = true } of rows) {
        db.query("INSERT OR REPLACE INTO jails VALUES (?, ?)").run(jail, enabled ? 1 : 0);
        const bannedAt = Math.floor(clock.now / 1_000) - 10;
        const bantime = untilAt === undefined ? -1 : Math.ceil(untilAt / 1_000) - bannedAt;
        db.query("INSERT INTO bips VALUES (?, ?, ?, ?, 1, '{}')").run(ip, jail, bannedAt, bantime);
      }
    },
    [Symbol.dispose]() {
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}
