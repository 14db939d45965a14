import { closeSync, fchmodSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { quoted } from "../../core/text.ts";
import { Failure } from "../../errors.ts";
import type { Runtime } from "../../runtime.ts";
import { naming } from "../install/file-failure.ts";

/** node_exporter runs as a user of its own. */
const mode = 0o644;

/** Puts the text in the file's place in one step, so that whoever reads it finds the old one or the new one. */
export function replaceFile({ root, pid }: Runtime, file: string, text: string): void {
  if (!file.startsWith("/")) {
    throw new Failure("usage", `Cannot write ${quoted(file)}: not an absolute path`, {
      hint: "begin it with /",
    });
  }
  const write = naming("write", (path: string) => {
    // Not *.prom, which would be read.
    const fresh = join(dirname(path), `.${basename(path)}.${pid}`);
    try {
      const file = openSync(fresh, "wx");
      try {
        writeFileSync(file, text);
        // By the open file: the collector's user may put a link in the name's place meanwhile.
        fchmodSync(file, mode);
      } finally {
        closeSync(file);
      }
      renameSync(fresh, path);
    } finally {
      rmSync(fresh, { force: true });
    }
  });
  write(join(root, file));
}
