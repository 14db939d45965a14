import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { tempRoot } from "../../test/support/temp-root.ts";
import type { TempRoot } from "../../test/support/temp-root.ts";
import { binaryName, compile } from "../build/compile.ts";
import { gzipped } from "../release/archive.ts";
import { installRuntimes, runtimeOf } from "../release/runtimes.ts";
import { targetNamed, targets } from "../targets.ts";
import type { Target } from "../targets.ts";
import { emptyProgram } from "./empty-program.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";

interface Built {
  readonly path: string;
  /** Bytes of each bundled file. */
  readonly files: ReadonlyMap<string, number>;
}

/** What each target weighs, and what of it is Bun. */
export async function size(): Promise<Section> {
  using root = tempRoot();
  installRuntimes();
  const rows = targets.map((target) => {
    const bun = readFileSync(runtimeOf(target));
    const all = readFileSync(build(root, target).path);
    const [bunPacked, allPacked] = [gzipped(bun).length, gzipped(all).length];
    const sizes = [bun.length, all.length, bunPacked, allPacked, allPacked - bunPacked];
    return [target.name, ...sizes.map(megabytes)];
  });
  return {
    title: "Size of each target",
    how: "Megabytes of each binary and of the Bun in it, plain and as the release archives are compressed (`gzip -9`).",
    headings: ["target", "Bun", "whole", "Bun, gzip", "whole, gzip", "of it ours"],
    rows,
    goals: [],
    limits: [],
  };
}

/** What this machine's binary has beside Bun: what a build without it lacks. */
export async function parts(): Promise<Section> {
  using root = tempRoot();
  installRuntimes();
  const target = targetNamed(`${process.platform}-${process.arch}`);
  const weigh = (path: string): number => statSync(path).size;
  const without = (...flags: readonly string[]): number => weigh(build(root, target, flags).path);
  const { path, files } = build(root, target);
  const all = weigh(path);
  const [bytecode, map] = [all - without("--bytecode"), all - without("--sourcemap=linked")];
  const packages = [...files].filter(([file]) => file.startsWith("node_modules/"));
  const bytesOf = (some: Iterable<readonly [string, number]>): number =>
    [...some].reduce((sum, [, bytes]) => sum + bytes, 0);
  const ours = bytesOf(files) - bytesOf(packages);
  const padding = weigh(await emptyProgram(root)) - weigh(runtimeOf(target));
  return {
    title: "What of the binary is not Bun",
    how: `The binary for ${target.name}, ${megabytes(all - weigh(runtimeOf(target)))} MB more than its Bun: what builds without a part lack.`,
    headings: ["part", "MB", "why it is there"],
    rows: [
      ["bytecode of it all", megabytes(bytecode), "a start does not parse the source"],
      ["an empty program", megabytes(padding), "Bun's own: where it puts a program into itself"],
      ["source map", megabytes(map), "an error names our files and lines"],
      ["our source, minified", megabytes(ours), "the commands; the texts of files and pages that they write"],
      [
        "its packages, minified",
        megabytes(bytesOf(packages)),
        "the questions of `login` and the log, above all",
      ],
    ],
    goals: [],
    limits: [],
  };
}

function build(root: TempRoot, target: Target, without: readonly string[] = []): Built {
  const directory = root.at([target.name, ...without].join(" "));
  mkdirSync(directory);
  const files = compile({ target, runtime: runtimeOf(target), directory, without });
  return { path: join(directory, binaryName), files };
}

function megabytes(bytes: number): string {
  return figure(bytes / 1e6);
}
