import { readFileSync } from "node:fs";
import { statOf } from "./config.ts";
import { Failure } from "./errors.ts";

/** What a file with a secret says, without the space around it. */
export function readSecretFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new Failure("config", `Cannot read credential "${path}": ${code}`, {
      hint: `ls -l ${path}`,
      cause: error,
    });
  }
}

/** Refuses a file of ours with a secret that others can read. */
export function refuseReadable(path: string): void {
  if (!readableByOthers(path)) return;
  throw new Failure("config", `Cannot use credential "${path}": others can read it`, {
    hint: `chmod 600 ${path}`,
  });
}

export function readableByOthers(path: string): boolean {
  const found = statOf(path);
  return found !== null && (found.mode & 0o077) !== 0;
}
