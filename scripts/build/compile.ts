import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "../targets.ts";
import { closeVariables } from "./variables.ts";

const root = join(import.meta.dir, "../..");

/** How the binary is called: Bun writes it into the binary too. */
export const binaryName = "fail2ban-cloudflare";

export interface Compilation {
  readonly target: Target;
  /** The Bun that goes into the binary. */
  readonly runtime: string;
  /** An empty directory, in which the binary is left. */
  readonly directory: string;
  /** Flags to leave out, to see what they weigh. */
  readonly without?: readonly string[];
}

/**
 * Compiles src/index.ts: the same bytes wherever and whenever. Returns how many bytes there are of each bundled file, by
 * its path in the project.
 */
export function compile(compilation: Compilation): ReadonlyMap<string, number> {
  const { target, runtime, directory, without = [] } = compilation;
  const outfile = join(directory, binaryName);
  const metafile = join(directory, "bundle.json");
  const command = [
    process.execPath,
    "build",
    "--compile",
    // Else NODE_ENV is inlined as "development".
    "--production",
    "--minify",
    // With --bytecode alone the format would be CommonJS, and the binary dead.
    "--bytecode",
    "--format=esm",
    // Commands are loaded when they are run: only so does a hook not pay for the others.
    "--splitting",
    // A hook ends long before compiled code would pay: with the usual threshold it waits for its compiler's threads.
    "--compile-jit-policy=100",
    // So that a stack trace names our files and lines. Costs nothing at start.
    "--sourcemap=linked",
    // A root tool reads nothing from the directory that it happens to be started in.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "--no-compile-autoload-tsconfig",
    "--no-compile-autoload-package-json",
    // No code but what was compiled, however it gets in; and the machine's own authorities, read when a call needs them.
    "--compile-exec-argv=--disallow-code-generation-from-strings=strict --no-addons --use-system-ca",
    `--target=${target.bun}`,
    `--compile-executable-path=${runtime}`,
    `--metafile=${metafile}`,
    "src/index.ts",
    "--outfile",
    outfile,
  ];
  const { HOME = "/", PATH = "/usr/bin:/bin", TMPDIR = "/tmp" } = process.env;
  const env = { HOME, PATH, TMPDIR, NO_COLOR: "1" };
  const kept = command.filter((flag) => !without.includes(flag));
  const build = Bun.spawnSync(kept, { cwd: root, stdout: "pipe", stderr: "pipe", env });
  const log = `${build.stdout.toString()}${build.stderr.toString()}`;
  // A failed bytecode step says "error:" and still ends with 0.
  if (build.exitCode !== 0 || /\berror:/i.test(log)) throw new Error(`the build failed:\n${log.trimEnd()}`);
  closeVariables(outfile);
  const { outputs } = JSON.parse(readFileSync(metafile, "utf8")) as Metafile;
  const weights = new Map<string, number>();
  for (const [file, { bytesInOutput }] of Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs),
  ))
    weights.set(file, (weights.get(file) ?? 0) + bytesInOutput);
  for (const map of new Bun.Glob("*.map").scanSync(directory)) rmSync(join(directory, map));
  rmSync(metafile);
  return weights;
}

/** What esbuild calls so, as far as it is read here. */
interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}
