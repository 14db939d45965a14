import { Database } from "bun:sqlite";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { main } from "../../src/cli.ts";
import { cloudflareRanges } from "../../src/core/guard.ts";
import type { Runtime } from "../../src/runtime.ts";
import type { FakeCloudflare, FakeOptions } from "./fake-cloudflare.ts";
import { fakeCloudflare } from "./fake-cloudflare.ts";
import { machine } from "./machine.ts";
import type { TestRuntimeOptions } from "./runtime.ts";
import { testRuntime } from "./runtime.ts";
import type { TempRoot } from "./temp-root.ts";

/** Where the real programs are; the tests that need them are skipped without. */
const [client, packaged, webServer] = ["/usr/bin/fail2ban-client", "/etc/fail2ban", "/usr/sbin/nginx"];
export const hasPrograms = [client, packaged, webServer].every((path) => existsSync(path));

export const jail = "nginx-limit-req";

export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warn" | "bad";
  readonly what: string;
  readonly why: string | null;
  readonly mend: string | null;
}

export interface Examined {
  readonly code: number;
  readonly stdout: string;
  readonly findings: readonly Finding[];
  /** Those that are not ok. */
  readonly faults: readonly Finding[];
}

/**
 * A host for doctor, healthy until a test plants a fault: everything is installed below a directory. Its files are read by
 * the real fail2ban-client and the real nginx; what a running fail2ban and systemd would say is played.
 */
export interface Patient extends TempRoot, AsyncDisposable {
  readonly edge: FakeCloudflare;
  /** What the running fail2ban has, by jail; null: it does not run. */
  running: Map<string, readonly string[]> | null;
  /** What systemctl denies, as "is-active fail2ban-cloudflare.timer". */
  readonly denied: Set<string>;
  /** What fail2ban-client says its version is; null: its own. */
  version: string | null;
  /** What the program gets of the outside beside that. */
  outside: TestRuntimeOptions;
  configure(lines: Readonly<Record<string, string | null>>, tables?: string): void;
  /** Puts the site's nginx.conf together, some of its lines replaced. */
  serve(change?: (text: string) => string): void;
  /** Puts systemd in the place of cron. */
  useSystemd(): Promise<void>;
  /** Runs a command line of ours. */
  run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Bans in fail2ban's database and through the hook, and delivers. */
  ban(...addresses: readonly string[]): Promise<void>;
  /** Bans in fail2ban's database alone. */
  banUnheard(...addresses: readonly string[]): void;
  doctor(...args: readonly string[]): Promise<Examined>;
}

const actions = ["iptables-multiport", "cloudflare"];

export async function patient(world: FakeOptions = {}): Promise<Patient> {
  const edge = fakeCloudflare(world);
  edge.ranges = {
    ipv4: cloudflareRanges.filter((range) => !range.includes(":")),
    ipv6: cloudflareRanges.filter((range) => range.includes(":")),
  };
  let self: Patient;
  const real = testRuntime();
  const run: Runtime["run"] = async (argv, options) => {
    const [program = "", ...rest] = argv;
    const words = rest[0] === "-c" ? rest.slice(2) : rest;
    if (basename(program) === "systemctl") return systemctl(self.denied, words);
    if (words[0] === "-V" && self.version !== null) return { code: 0, stdout: self.version, stderr: "" };
    return serverSays(self.running, words) ?? real.run(argv, options);
  };
  const root = machine({ run });
  self = Object.assign(root, {
    edge,
    running: new Map([[jail, actions]]),
    denied: new Set(["is-failed fail2ban-cloudflare.service"]),
    version: null,
    outside: {},
    configure(lines: Readonly<Record<string, string | null>>, tables = "") {
      const all: Readonly<Record<string, string | null>> = {
        api_token_file: '"/etc/fail2ban-cloudflare/token"',
        zones: '["example.com"]',
        api_base: JSON.stringify(edge.url),
        host: '"web1"',
        ...lines,
      };
      const text = Object.entries(all).flatMap(([key, value]) =>
        value === null ? [] : [`${key} = ${value}\n`],
      );
      root.write("etc/fail2ban-cloudflare/config.toml", `${text.join("")}${tables}`, 0o600);
    },
    serve(change: (text: string) => string = (text) => text) {
      root.write("etc/nginx/nginx.conf", change(site(root)));
    },
    async useSystemd() {
      mkdirSync(root.at("run/systemd/system"), { recursive: true });
      root.write("usr/bin/systemctl", "", 0o755);
      rmSync(root.at("etc/cron.d/fail2ban-cloudflare"));
      await root.install("--root", "/");
    },
    async run(...args: readonly string[]) {
      const runtime = testRuntime({
        root: root.path,
        execPath: root.at("dist/fail2ban-cloudflare"),
        fetch,
        run,
        ...self.outside,
      });
      const code = await main(args, runtime);
      return { code, stdout: runtime.printed.join("\n"), stderr: runtime.talked.join("\n") };
    },
    async ban(...addresses: readonly string[]) {
      self.banUnheard(...addresses);
      for (const address of addresses) await self.run("ban", address, "--jail", jail);
      await self.run("deliver", "--once");
    },
    banUnheard(...addresses: readonly string[]) {
      using database = new Database(root.at("var/lib/fail2ban/fail2ban.sqlite3"), { create: true });
      database.run("CREATE TABLE IF NOT EXISTS jails (name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL)");
      database.run(
        "CREATE TABLE IF NOT EXISTS bips (ip TEXT, jail TEXT, timeofban INTEGER, bantime INTEGER)",
      );
      database.query("INSERT OR REPLACE INTO jails VALUES (?, 1)").run(jail);
      for (const address of addresses) {
        database
          .query("INSERT INTO bips VALUES (?, ?, ?, -1)")
          .run(address, jail, Math.floor(Date.now() / 1_000));
      }
    },
    async doctor(...args: readonly string[]) {
      const { code, stdout } = await self.run("doctor", "--json", ...args);
      const findings = (JSON.parse(stdout.replaceAll(root.path, "")) as { findings: Finding[] }).findings;
      return { code, stdout, findings, faults: findings.filter(({ state }) => state !== "ok") };
    },
    async [Symbol.asyncDispose]() {
      await edge[Symbol.asyncDispose]();
      root[Symbol.dispose]();
    },
  });
  await furnish(self, () => root.install("--root", "/"));
  return self;
}

/** What an administrator has done before doctor is called. */
async function furnish(self: Patient, install: () => Promise<unknown>): Promise<void> {
  const directory = self.at("etc/fail2ban");
  rmSync(directory, { recursive: true });
  cpSync(packaged, directory, { recursive: true, dereference: true });
  for (const name of readdirSync(join(directory, "jail.d"))) rmSync(join(directory, "jail.d", name));
  rmSync(self.at("usr/bin/fail2ban-client"));
  symlinkSync(client, self.at("usr/bin/fail2ban-client"));
  // fail2ban itself knows nothing of the directory that stands for "/".
  self.write(
    `etc/fail2ban/jail.d/${jail}.local`,
    `[${jail}]\nlogpath = ${self.at("var/log/nginx/*error*.log")}\n`,
  );
  self.write(
    "usr/sbin/nginx",
    `#!/bin/sh\nexec ${webServer} -e ${self.at("first.log")} -p ${self.path} -c ${self.at("etc/nginx/nginx.conf")} "$@"\n`,
    0o755,
  );
  self.write("proc/1/comm", "cron\n");
  self.write("etc/fail2ban-cloudflare/token", `${self.edge.token}\n`, 0o600);
  self.configure({});
  self.serve();
  await install();
}

function site(root: TempRoot): string {
  return `error_log ${root.at("var/log/nginx/error.log")} error;
pid ${root.at("nginx.pid")};
events { }
http {
    access_log off;
    ${cloudflareRanges.map((range) => `set_real_ip_from ${range};`).join("\n    ")}
    real_ip_header CF-Connecting-IP;
    limit_req_zone $binary_remote_addr zone=visitors:1m rate=6r/m;
    server {
        listen 127.0.0.1:8080;
        location / { limit_req zone=visitors burst=1 nodelay; }
    }
}
`;
}

/** null: it is a question that the real client answers. */
function serverSays(
  running: Patient["running"],
  [word = "", name = ""]: readonly string[],
): { code: number; stdout: string; stderr: string } | null {
  const says = (code: number, stdout: string) => ({ code, stdout, stderr: "" });
  const names = [...(running ?? new Map<string, readonly string[]>()).keys()].join(", ");
  if (word === "ping") return running === null ? says(255, "") : says(0, "Server replied: pong");
  if (word === "status") return says(0, `Status\n|- Number of jail:\t1\n\`- Jail list:\t${names}\n`);
  if (word === "get")
    return says(0, `The jail ${name} has the following actions:\n${running?.get(name)?.join(", ")}\n`);
  return word === "reload" ? says(0, "OK") : null;
}

function systemctl(denied: ReadonlySet<string>, words: readonly string[]) {
  const line = words.filter((word) => word !== "--quiet").join(" ");
  return { code: denied.has(line) ? 1 : 0, stdout: "", stderr: "" };
}
