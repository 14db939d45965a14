import { Failure } from "../../errors.ts";
import { labelOf, schema } from "./session.ts";
import type { Run, Server, Session } from "./session.ts";

/**
 * The steps from one version to the next; the fact "version" counts those taken. Never change one that was released.
 * Moments are milliseconds since 1970 by the database's clock. The words are those of a
 * host's own journal; `jails` and `bans` are the hosts' counts, told every now and then.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE facts (
    name text PRIMARY KEY,
    value text NOT NULL
  );

  CREATE TABLE hosts (
    id integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    host text PRIMARY KEY,
    seen_at bigint NOT NULL,
    changes bigint NOT NULL DEFAULT 0,
    retired boolean NOT NULL DEFAULT false
  );

  CREATE TABLE holds (
    profile text NOT NULL,
    network text NOT NULL,
    jail text NOT NULL,
    host text NOT NULL REFERENCES hosts,
    address text NOT NULL,
    mode text NOT NULL,
    held_at bigint NOT NULL,
    until_at bigint,
    release_at bigint,
    PRIMARY KEY (network, profile, host, jail, address)
  );
  CREATE INDEX holds_by_end ON holds (host, until_at);
  CREATE INDEX holds_by_release ON holds (host, release_at) WHERE release_at IS NOT NULL;

  CREATE SEQUENCE generations;
  CREATE TABLE pending (
    generation bigint NOT NULL UNIQUE DEFAULT nextval('generations'),
    profile text NOT NULL,
    network text NOT NULL,
    ban boolean NOT NULL,
    since_at bigint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    retry_at bigint NOT NULL DEFAULT 0,
    reason text,
    parked boolean NOT NULL DEFAULT false,
    PRIMARY KEY (profile, network)
  );
  CREATE INDEX pending_by_turn ON pending (profile, ban DESC, generation) WHERE NOT parked;
  CREATE INDEX pending_by_try ON pending (profile, retry_at) WHERE NOT parked;

  CREATE TABLE edge (
    place text NOT NULL,
    network text NOT NULL,
    profile text NOT NULL,
    id text,
    mode text,
    owned boolean NOT NULL,
    PRIMARY KEY (network, place)
  );
  CREATE INDEX edge_of_place ON edge (place);

  CREATE TABLE outside (
    profile text NOT NULL,
    network text NOT NULL,
    waiting boolean NOT NULL,
    PRIMARY KEY (profile, network)
  );

  CREATE TABLE calls (
    credential text NOT NULL,
    start_at bigint NOT NULL,
    calls integer NOT NULL,
    PRIMARY KEY (credential, start_at)
  );

  CREATE TABLE pauses (
    subject text PRIMARY KEY,
    kind text NOT NULL,
    reason text NOT NULL,
    since_at bigint NOT NULL,
    until_at bigint NOT NULL,
    failures integer NOT NULL
  );

  CREATE TABLE jails (
    host text NOT NULL,
    profile text NOT NULL,
    jail text NOT NULL,
    bans bigint NOT NULL,
    PRIMARY KEY (host, profile, jail)
  );

  CREATE TABLE bans (
    host text NOT NULL,
    jail text NOT NULL,
    start_at bigint NOT NULL,
    bans bigint NOT NULL,
    PRIMARY KEY (host, jail, start_at)
  );

  CREATE TABLE results (
    profile text NOT NULL,
    label text NOT NULL,
    place text,
    credential text NOT NULL,
    succeeded_at bigint,
    failed_at bigint,
    reason text,
    PRIMARY KEY (profile, label)
  );
  `,
];

/** The database's clock. */
export const clock = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/** Numbers of our locks in pg_locks: "f2bc", and for the names of hosts the next. */
const locks = 0x66326263;
export const hostLocks = locks + 1;
export const courierLock = `${locks}, 1`;

/** Within a transaction: nobody else joins, sweeps or retires until it ends, as with SQLite's BEGIN IMMEDIATE. */
export async function lockForWriting(run: Run): Promise<void> {
  await run(`SELECT pg_advisory_xact_lock(${locks}, 0)`);
}

/** Brings the database to this program's version; refuses one from a newer program. */
export async function migrate(session: Session, server: Server): Promise<void> {
  if ((await version(session.run)) === migrations.length) return;
  await session.atomically(async (run) => {
    await lockForWriting(run);
    const from = await version(run);
    if (from > migrations.length) {
      throw new Failure(
        "unavailable",
        `Cannot use the fleet's journal "${labelOf(server)}": version ${from} is from a newer fail2ban-cloudflare`,
        { hint: "install that version here too" },
      );
    }
    for (const step of migrations.slice(from)) await run(step);
    await run(
      "INSERT INTO facts (name, value) VALUES ('version', $1) ON CONFLICT (name) DO UPDATE SET value = $1",
      [String(migrations.length)],
    );
    // Rules of ours that an earlier database knew are looked for when every host has joined this one.
    await run(`INSERT INTO facts (name, value) SELECT 'synced_at', ${clock} ON CONFLICT DO NOTHING`);
  });
}

async function version(run: Run): Promise<number> {
  // Not to_regclass(): within a transaction it may not see what another has committed meanwhile.
  const tables = await run("SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'facts'", [schema]);
  if (tables.length === 0) return 0;
  const [fact] = await run<{ value: string }>("SELECT value FROM facts WHERE name = 'version'");
  return Number(fact?.value ?? 0);
}
