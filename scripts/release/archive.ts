import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { run } from "./run.ts";
import type { Stage } from "./stage.ts";

/** Packs a stage, under the name of its directory; gzip, which the barest server can unpack. */
export function archive({ directory, files }: Stage, output: string, date: Date): void {
  const top = basename(directory);
  const tar = join(output, `${top}.tar`);
  const owner = ["--owner=root:0", "--group=root:0", "--numeric-owner"];
  const paths = files.map((file) => `${top}/${file}`);
  run(["tar", "--format=ustar", ...owner, `--mtime=@${date.getTime() / 1_000}`, "-cf", tar, ...paths], {
    cwd: dirname(directory),
  });
  writeFileSync(`${tar}.gz`, gzipped(readFileSync(tar)));
  rmSync(tar);
}

/** Not gzip(1): the Bun that is pinned makes the same bytes everywhere. */
export function gzipped(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  return Bun.gzipSync(bytes, { library: "libdeflate", level: 9 });
}
