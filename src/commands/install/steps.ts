import { closeSync, constants, existsSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { bodyOf, seal, standing } from "../../fail2ban/seal.ts";
import type { Transaction } from "./transaction.ts";

/** What is done to one file: `+` new, `~` another in its place, `=` nothing, `-` taken away. */
export interface Step {
  readonly sign: "+" | "~" | "=" | "-";
  readonly path: string;
  /** What a person should know of it. */
  readonly note?: string;
  apply?(transaction: Transaction): void;
}

export function placeFile(path: string, text: string, { force }: { readonly force: boolean }): Step {
  const found = standing(path);
  const write = (sealed: string, keepAs: string | null) => (transaction: Transaction) =>
    transaction.write(path, sealed, { mode: 0o644, keepAs });
  if (found.kind === "absent") return { sign: "+", path, apply: write(seal(text, null), null) };
  if (found.kind === "foreign") {
    const kept = freeBackup(path);
    const note = `"${path}" was not written by this program: it is kept as "${kept}"`;
    return { sign: "~", path, note, apply: write(seal(text, basename(kept)), kept) };
  }
  if (found.body === bodyOf(text)) return { sign: "=", path };
  if (!found.edited) return { sign: "~", path, apply: write(seal(text, found.before), null) };
  if (!force)
    return { sign: "=", path, note: `"${path}" was edited and stays as it is: --force replaces it` };
  const kept = freeBackup(path);
  const note = `"${path}" was edited: it is kept as "${kept}"`;
  return { sign: "~", path, note, apply: write(seal(text, found.before), kept) };
}

/** A file of ours taken away, and what stood there before put back; null where there is none of ours. */
export function removeFile(path: string, { force }: { readonly force: boolean }): Step | null {
  const found = standing(path);
  if (found.kind !== "ours") return null;
  if (found.edited && !force) {
    return { sign: "=", path, note: `"${path}" was edited and stays: --force removes it` };
  }
  const before = found.before === null ? null : join(dirname(path), found.before);
  if (before === null || !existsSync(before)) {
    return {
      sign: "-",
      path,
      ...(before === null
        ? {}
        : { note: `"${before}" is gone: nothing can be put back in place of "${path}"` }),
      apply: (transaction) => transaction.remove(path),
    };
  }
  return {
    sign: "~",
    path,
    apply(transaction) {
      transaction.remove(path);
      transaction.move(before, path);
    },
  };
}

/** A file that is the administrator's as soon as it stands. */
export function placeOnce(path: string, text: string, mode: number): Step {
  if (existsSync(path)) return { sign: "=", path };
  return { sign: "+", path, apply: (transaction) => transaction.write(path, text, { mode, keepAs: null }) };
}

/** A file that others could read, and that stays as it is otherwise. */
export function restrictFile(path: string): Step {
  const note = `"${path}" holds a credential: only root can read it now`;
  return { sign: "~", path, note, apply: (transaction) => transaction.restrict(path) };
}

export function placeDirectory(path: string, mode: number): Step {
  const apply = (transaction: Transaction): void => transaction.directory(path, mode);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { sign: "+", path, apply };
  return (found.mode & 0o777) === mode ? { sign: "=", path } : { sign: "~", path, apply };
}

export function placeBinary(path: string, from: string): Step {
  const apply = (transaction: Transaction): void => transaction.copy(from, path, 0o755);
  if (!existsSync(path)) return { sign: "+", path, apply };
  const same = realpathSync(path) === realpathSync(from) || sameBytes(path, from);
  return same && isExecutable(path) ? { sign: "=", path } : { sign: "~", path, apply };
}

function isExecutable(path: string): boolean {
  return (statSync(path).mode & 0o777) === 0o755;
}

/** The first of FILE.bak, FILE.bak.1 … that is free: a copy that somebody made is never overwritten. */
function freeBackup(path: string): string {
  let candidate = `${path}.bak`;
  for (let number = 1; existsSync(candidate); number += 1) candidate = `${path}.bak.${number}`;
  return candidate;
}

function sameBytes(left: string, right: string): boolean {
  const size = statSync(left).size;
  if (size !== statSync(right).size) return false;
  const [one, other] = [left, right].map((path) => openSync(path, constants.O_RDONLY)) as [number, number];
  try {
    const [first, second] = [Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)];
    for (let at = 0; at < size; at += first.length) {
      const [read, readToo] = [
        readSync(one, first, 0, first.length, at),
        readSync(other, second, 0, second.length, at),
      ];
      if (read !== readToo || !first.subarray(0, read).equals(second.subarray(0, readToo))) return false;
    }
    return true;
  } finally {
    closeSync(one);
    closeSync(other);
  }
}
