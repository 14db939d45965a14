import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Server } from "../../src/journal/postgres/session.ts";
import { Secret } from "../../src/secret.ts";
import type { Certificate } from "./certificates.ts";
import { mustRun, startProgram } from "./program.ts";
import type { Program } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

/** A real PostgreSQL server of its own, in a private directory, as an unprivileged user. */
export interface Postgres extends AsyncDisposable {
  /** The directory of its socket. */
  readonly directory: string;
  readonly port: number;
  /** An empty database, made as docs/fleet.md says. */
  database(): Promise<Server>;
  /** What the superuser says in a database, by psql; its rows without any decoration. */
  psql(database: string, statement: string): Promise<string>;
  /** As the service does: "fast" ends every session. */
  stop(): Promise<void>;
  start(): Promise<void>;
  log(): string;
}

export interface PostgresOptions {
  /** Addresses to listen on beside the socket, as "127.0.0.1"; those need TLS or are loopback. */
  readonly listen?: string;
  readonly tls?: Certificate;
}

const role = { user: "fail2ban_cloudflare", password: "a-password-of-a-test" } as const;

const programs = newestPrograms();

/** Why there can be no server here; null where there can. */
export const postgresObstacle: string | null = programs === null ? "needs postgresql" : null;

let nextPort = 5_500;

export async function postgres({ listen = "", tls }: PostgresOptions = {}): Promise<Postgres> {
  if (programs === null) throw new Error("there is no PostgreSQL here");
  await using stack = new AsyncDisposableStack();
  const root = stack.use(tempRoot());
  const port = (nextPort += 1);
  const [data, directory] = [root.at("data"), root.at("run")];
  for (const path of [root.path, directory]) {
    mkdirSync(path, { recursive: true });
    await mustRun(["chown", "postgres:postgres", path]);
  }
  await mustRun([
    ...unprivileged,
    join(programs, "initdb"),
    ...["--pgdata", data, "--auth", "trust", "--locale", "C", "--encoding", "UTF8", "--no-sync"],
  ]);
  writeFileSync(
    join(data, "pg_hba.conf"),
    ["local all postgres trust", "local all all scram-sha-256", "hostssl all all all scram-sha-256"]
      .concat("host all all 127.0.0.1/32 scram-sha-256")
      .join("\n"),
  );
  if (tls !== undefined) {
    for (const [name, text] of Object.entries(tls)) {
      writeFileSync(join(data, name), text, { mode: 0o600 });
      await mustRun(["chown", "postgres:postgres", join(data, name)]);
    }
  }
  const settings = {
    listen_addresses: listen,
    port,
    unix_socket_directories: directory,
    fsync: "off",
    ...(tls === undefined ? {} : { ssl: "on", ssl_cert_file: "cert", ssl_key_file: "key" }),
  };
  let server: Program | null = null;
  const psql = (database: string, ...words: readonly string[]): Promise<string> =>
    mustRun([
      join(programs, "psql"),
      ...["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"],
      ...["--host", directory, "--port", String(port), "--username", "postgres", "--dbname", database],
      ...words,
    ]);
  const start = async (): Promise<void> => {
    const started = startProgram(
      [
        ...unprivileged,
        join(programs, "postgres"),
        "-D",
        data,
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      root.at("log"),
    );
    server = started;
    const ready = () =>
      psql("postgres", "--command", "SELECT 1").then(
        () => true,
        () => false,
      );
    await until(
      async () => {
        if (!started.isRunning) throw new Error(`PostgreSQL ended: ${started.output()}`);
        return await ready();
      },
      { deadlineMs: 30_000, what: () => `an answer of PostgreSQL: ${started.output()}` },
    );
  };
  const stop = async (): Promise<void> => {
    await server?.end("SIGINT");
    server = null;
  };
  stack.defer(stop);
  await start();
  const script = root.at("fleet.sql");
  writeFileSync(script, documentedSql().replace("change-me", role.password));
  await psql("postgres", "--file", script);
  let databases = 0;
  const owned = stack.move();
  return {
    directory,
    port,
    psql: (database, statement) => psql(database, "--command", statement),
    async database() {
      const name = `fleet_${(databases += 1)}`;
      await psql("postgres", "--command", `CREATE DATABASE ${name} TEMPLATE fail2ban_cloudflare`);
      const password = new Secret(role.password);
      return {
        host: directory,
        port,
        database: name,
        user: role.user,
        password,
        tls: "disable",
        caFile: null,
      };
    },
    start,
    stop,
    log: () => readFileSync(root.at("log"), "utf8"),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** PostgreSQL refuses to run as root. */
const unprivileged = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] as const;

/** Where the newest version's programs are: Debian keeps them out of PATH. */
function newestPrograms(): string | null {
  const servers = globSync("/usr/lib/postgresql/*/bin/postgres").map(dirname);
  const version = (directory: string): number => Number(basename(dirname(directory)));
  return servers.toSorted((a, b) => version(b) - version(a))[0] ?? null;
}

/** The SQL of docs/fleet.md: what administrators are told is what the tests run on. */
function documentedSql(): string {
  const text = readFileSync(join(import.meta.dir, "../../docs/fleet.md"), "utf8");
  const [, sql] = /```sql\n([\s\S]*?)```/.exec(text) ?? [];
  if (sql === undefined) throw new Error("docs/fleet.md has no SQL");
  return sql;
}
