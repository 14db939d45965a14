import { Database, SQLiteError } from "bun:sqlite";
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { Failure } from "../errors.ts";
import { migrate } from "./schema.ts";

/** How long a hook waits for another's transaction; fail2ban's own limit for us is 30 s. */
const busyTimeoutMs = 10_000;

/** The second try was always enough. */
const switchTries = 20;

/** The journal's file, of this program's version; within `guarded`. `prepare` is run on it before it is given back. */
export function openDatabase(path: string, prepare?: (db: Database) => void): Database {
  const db = openFile(path);
  try {
    // Before anything else: without it nothing waits for another process.
    db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    switchToWal(db);
    db.run("PRAGMA synchronous = FULL");
    migrate(db, path);
    prepare?.(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens a file of SQLite's; where there is none it is made, for nobody else to read or to lock from its first moment on:
 * SQLite's own would be for all to read.
 */
export function openFile(path: string): Database {
  const options = { create: false, readwrite: true, strict: true };
  try {
    return new Database(path, options);
  } catch (error) {
    if (!(error instanceof SQLiteError) || error.code !== "SQLITE_CANTOPEN") throw error;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
  return new Database(path, options);
}

/** Takes from others a journal that somebody may have put back from elsewhere; for couriers, as a hook has no time for it. */
export function seal(path: string): void {
  chmodSync(path, 0o600);
}

/**
 * Where two make the file at once, SQLite does not wait in the switch, lest the two wait for each other: whoever is
 * turned away waits for the other's transaction and tries again.
 */
function switchToWal(db: Database): void {
  for (let tries = 1; ; tries += 1) {
    try {
      db.run("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (!isBusy(error) || tries >= switchTries) throw error;
      db.run("BEGIN IMMEDIATE");
      db.run("COMMIT");
    }
  }
}

/** Whether another process was in the way. */
export function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY") === true;
}

/** The same methods, asynchronous as the ports ask, with SQLite's errors turned into journal failures. */
export function speaking<T extends Record<string, (...args: never[]) => unknown>>(
  path: string,
  methods: T,
): { [K in keyof T]: (...args: Parameters<T[K]>) => Promise<ReturnType<T[K]>> } {
  const entries = Object.entries(methods).map(([name, method]) => [
    name,
    async (...args: never[]) => guarded(path, () => method(...args)),
  ]);
  return Object.fromEntries(entries);
}

/** Runs what touches the file at `path`; whatever the file or its system refuses becomes a journal failure. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SQLiteError) throw journalFailure(path, error);
    if (isSystemError(error)) throw journalFailure(path, error);
    throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

function journalFailure(path: string, error: Error & { code?: string | undefined }): Failure {
  return new Failure(
    "journal",
    `Cannot use journal "${path}": ${error.message} (${error.code ?? error.name})`,
    {
      hint: `as root, check the disk and the file: ls -la ${dirname(path)}; df ${dirname(path)}`,
      cause: error,
    },
  );
}
