import { mustRun } from "../../test/support/program.ts";
import type { TempRoot } from "../../test/support/temp-root.ts";
import { readAnew } from "./read-anew.ts";

/** What is left of a program of Bun's when ours is taken out of it; returns its path. */
export async function emptyProgram(root: TempRoot): Promise<string> {
  const path = root.at("empty");
  root.write("empty.ts", "export {};\n");
  const flags = ["--compile", "--production", "--minify", "--bytecode", "--format=esm"];
  await mustRun([process.execPath, "build", ...flags, root.at("empty.ts"), "--outfile", path], {
    cwd: root.path,
    deadlineMs: 120_000,
  });
  await readAnew(path);
  return path;
}
