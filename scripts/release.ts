/**
 * Builds what is released into dist/release: `bun run release [--target NAME]... [--output DIR]`. The same sources give
 * the same bytes, wherever and whenever.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import pkg from "../package.json" with { type: "json" };
import { archive } from "./release/archive.ts";
import { sourceDate } from "./release/date.ts";
import { deb } from "./release/deb.ts";
import { rpm } from "./release/rpm.ts";
import { installRuntimes } from "./release/runtimes.ts";
import { stage } from "./release/stage.ts";
import { sums } from "./release/sums.ts";
import { targetNamed, targets } from "./targets.ts";

const { values } = parseArgs({
  options: {
    target: { type: "string", multiple: true, default: targets.map(({ name }) => name) },
    output: { type: "string", default: join(import.meta.dir, "../dist/release") },
  },
});

const output = resolve(values.output);
mkdirSync(dirname(output), { recursive: true });
// Built aside, and put in place as a whole.
const aside = mkdtempSync(join(dirname(output), ".release-"));
try {
  release(join(aside, "output"));
  rmSync(output, { recursive: true, force: true });
  renameSync(join(aside, "output"), output);
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(aside, { recursive: true, force: true });
}

function release(directory: string): void {
  const date = sourceDate();
  const chosen = values.target.map(targetNamed);
  installRuntimes();
  mkdirSync(directory);
  for (const target of chosen) {
    const staged = stage(target, join(aside, `${pkg.name}-${pkg.version}-${target.name}`), date);
    archive(staged, directory, date);
    if (target.cpu !== null) {
      deb(staged, target.cpu.deb, directory, date);
      rpm(staged, target.cpu.rpm, directory, date);
    }
    rmSync(staged.directory, { recursive: true });
  }
  writeFileSync(join(directory, "SHA256SUMS"), sums(directory, readdirSync(directory).toSorted()));
}
