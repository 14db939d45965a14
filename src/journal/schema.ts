import type { Database } from "bun:sqlite";
import { Failure } from "../errors.ts";
import { immediate } from "./immediate.ts";

/**
 * The steps from one version to the next; `user_version` counts those taken. Never change one that was released.
 * Moments are milliseconds since 1970. `holds` is what is wanted, `edge` what is known, `pending` where they may differ,
 * and `outside` what has no room: for now, until others have left, where it is `waiting`. `bans` counts a jail's new
 * holds by the hour, `results` says how the last calls to a place went.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE holds (
    profile TEXT NOT NULL,
    network TEXT NOT NULL,
    jail TEXT NOT NULL,
    host TEXT NOT NULL,
    address TEXT NOT NULL,
    family TEXT NOT NULL,
    mode TEXT NOT NULL,
    held_at INTEGER NOT NULL,
    until_at INTEGER,
    release_at INTEGER,
    graced INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (network, profile, jail, host, address)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX holds_of_jail ON holds (jail, host, profile, address);
  CREATE INDEX holds_by_end ON holds (until_at) WHERE until_at IS NOT NULL;
  CREATE INDEX holds_by_release ON holds (release_at) WHERE release_at IS NOT NULL;

  CREATE TABLE pending (
    generation INTEGER PRIMARY KEY AUTOINCREMENT,
    profile TEXT NOT NULL,
    network TEXT NOT NULL,
    ban INTEGER NOT NULL,
    since_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    retry_at INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    parked INTEGER NOT NULL DEFAULT 0,
    UNIQUE (profile, network)
  ) STRICT;
  CREATE INDEX pending_by_turn ON pending (profile, parked, ban DESC, generation);

  CREATE TABLE edge (
    place TEXT NOT NULL,
    network TEXT NOT NULL,
    profile TEXT NOT NULL,
    id TEXT,
    mode TEXT,
    owned INTEGER NOT NULL,
    PRIMARY KEY (network, place)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX edge_of_place ON edge (place);

  CREATE TABLE outside (
    profile TEXT NOT NULL,
    network TEXT NOT NULL,
    waiting INTEGER NOT NULL,
    PRIMARY KEY (profile, network)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE calls (
    credential TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (credential, start_at)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE pauses (
    subject TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    since_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    failures INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE jails (
    jail TEXT NOT NULL,
    host TEXT NOT NULL,
    profile TEXT NOT NULL,
    mode TEXT NOT NULL,
    shouted_at INTEGER NOT NULL DEFAULT 0,
    bans INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (jail, host, profile)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE bans (
    jail TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    bans INTEGER NOT NULL,
    PRIMARY KEY (jail, start_at)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE results (
    profile TEXT NOT NULL,
    label TEXT NOT NULL,
    place TEXT,
    credential TEXT NOT NULL,
    succeeded_at INTEGER,
    failed_at INTEGER,
    reason TEXT,
    PRIMARY KEY (profile, label)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** Brings the file to this program's version; refuses one from a newer program. */
export function migrate(db: Database, path: string): void {
  if (version(db) === migrations.length) return;
  immediate(db, () => {
    refuseNewer(db, path);
    for (const step of migrations.slice(version(db))) db.run(step);
    db.run(`PRAGMA user_version = ${migrations.length}`);
  });
}

/** Throws a journal failure for a file from a newer program. */
export function refuseNewer(db: Database, path: string): void {
  const found = version(db);
  if (found <= migrations.length) return;
  throw new Failure(
    "journal",
    `Cannot use journal "${path}": version ${found} is from a newer fail2ban-cloudflare`,
    { hint: "install that version again" },
  );
}

function version(db: Database): number {
  return db.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? 0;
}
