import { Database, SQLiteError } from "bun:sqlite";
import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Journal } from "../core/journal.ts";
import { Failure } from "../errors.ts";
import { callLedger } from "./calls.ts";
import { deliveryLedger } from "./deliveries.ts";
import { factLedger } from "./facts.ts";
import { holdLedger } from "./holds.ts";
import { moveLedger } from "./moves.ts";
import { overviewLedger } from "./overview.ts";
import { resultLedger } from "./results.ts";
import { roomLedger } from "./room.ts";
import { migrate } from "./schema.ts";
import { viewLedger } from "./views.ts";

/** How long a hook waits for another's transaction; fail2ban's own limit for us is 30 s. */
const busyTimeoutMs = 10_000;

/** The second try was always enough. */
const switchTries = 20;

export interface SqliteJournal extends Journal, Disposable {
  /** A number that changes whenever another process has changed the journal. */
  changes(): number;
  /** Reads the whole file; throws a journal failure for a broken one. */
  verify(): void;
}

/**
 * Opens the journal, and makes it where there is none: directory 0700, file 0600. What a method has returned from is
 * on disk. Throws a journal failure for anything wrong with the file or its file system, here and in every method.
 */
export function openSqlite(path: string): SqliteJournal {
  return guarded(path, () => journalIn(path, openDatabase(path)));
}

/** The journal in its open file, which it closes. */
export function journalIn(path: string, db: Database): SqliteJournal {
  const ledgers = {
    ...callLedger(db),
    ...deliveryLedger(db),
    ...factLedger(db),
    ...holdLedger(db),
    ...overviewLedger(db),
    ...resultLedger(db),
    ...roomLedger(db),
    ...moveLedger(db),
    ...viewLedger(db),
  };
  const dataVersion = db.query<{ data_version: number }, []>("PRAGMA data_version");
  return {
    ...speaking(path, ledgers),
    verify: () => guarded(path, () => verify(db)),
    changes: () => guarded(path, () => dataVersion.get()?.data_version ?? 0),
    [Symbol.dispose]: () => db.close(),
  };
}

/** The journal's file, of this program's version; within `guarded`. */
export function openDatabase(path: string): Database {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const db = new Database(path, { create: true, readwrite: true, strict: true });
  try {
    // Before anything else: without it nothing waits for another process.
    db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    switchToWal(db);
    db.run("PRAGMA synchronous = FULL");
    chmodSync(path, 0o600);
    migrate(db, path);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
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

function verify(db: Database): void {
  const found =
    db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check ?? "no answer";
  if (found !== "ok") throw Object.assign(new SQLiteError(found), { code: "SQLITE_CORRUPT" });
}

/** The same methods, asynchronous as the ports ask, with SQLite's errors turned into journal failures. */
function speaking<T extends Record<string, (...args: never[]) => unknown>>(
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
