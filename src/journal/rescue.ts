import { SQLiteError } from "bun:sqlite";
import { closeSync, existsSync, openSync, renameSync, rmSync } from "node:fs";
import { Failure } from "../errors.ts";

/** Whether a journal failure says that the file itself is broken, not the disk or its rights. */
export function isCorrupt(error: unknown): boolean {
  if (!(error instanceof Failure) || !(error.cause instanceof SQLiteError)) return false;
  return /^SQLITE_(NOTADB|CORRUPT)/.test(error.cause.code ?? "");
}

/** Asks the next courier to read the whole file: a process has met a broken part of it. */
export function suspect(path: string): void {
  closeSync(openSync(marker(path), "a", 0o600));
}

export function isSuspect(path: string): boolean {
  return existsSync(marker(path));
}

export function clearSuspicion(path: string): void {
  rmSync(marker(path), { force: true });
}

function marker(path: string): string {
  return `${path}.suspect`;
}

/** Moves a broken journal out of the way, for somebody to look at; returns its new name. Only under the courier's lock. */
export function setAside(path: string, now: number): string {
  const aside = `${path}.corrupt-${now}`;
  for (const ending of ["-wal", "-shm", ""]) {
    if (existsSync(`${path}${ending}`)) renameSync(`${path}${ending}`, `${aside}${ending}`);
  }
  return aside;
}
