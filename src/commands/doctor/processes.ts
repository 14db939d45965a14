import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export interface ProcessText {
  readonly pid: string;
  readonly text: string;
}

/** What /proc has of every process: its name, or its command line. */
export function ofProcesses(root: string, file: "comm" | "cmdline"): readonly ProcessText[] {
  return globSync(join(root, "/proc/[0-9]*", file)).flatMap((path) => {
    try {
      return [{ pid: basename(dirname(path)), text: readFileSync(path, "utf8") }];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}
