import { readFileSync } from "node:fs";
import { join } from "node:path";

export function sha256(path: string): string {
  return new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex");
}

/** What `sha256sum --check` reads. */
export function sums(directory: string, files: readonly string[]): string {
  return files.map((file) => `${sha256(join(directory, file))}  ${file}\n`).join("");
}
