/** Writes what is made from the configuration's schema: `bun scripts/docs.ts`; `--check` only says what has drifted. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generated } from "./docs/generated.ts";

const root = join(import.meta.dir, "..");
const drifted = [...generated()].filter(([path, text]) => readFileSync(join(root, path), "utf8") !== text);
for (const [path, text] of drifted) {
  if (process.argv.includes("--check")) {
    console.error(`docs: ${path} is not what the schema says: bun scripts/docs.ts`);
    process.exitCode = 1;
  } else {
    writeFileSync(join(root, path), text);
  }
}
