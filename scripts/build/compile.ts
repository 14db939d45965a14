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
}

/** Compiles src/index.ts: the same bytes wherever and whenever. Returns the bundled files, by their paths in the project. */
export function compile({ target, runtime, directory }: Compilation): readonly string[] {
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
  const build = Bun.spawnSync(command, { cwd: root, stdout: "pipe", stderr: "pipe", env });
  const log = `${build.stdout.toString()}${build.stderr.toString()}`;
  // A failed bytecode step says "error:" and still ends with 0.
  if (build.exitCode !== 0 || /\berror:/i.test(log)) throw new Error(`the build failed:\n${log.trimEnd()}`);
  closeVariables(outfile);
  const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { inputs: Record<string, unknown> };
  for (const map of new Bun.Glob("*.map").scanSync(directory)) rmSync(join(directory, map));
  rmSync(metafile);
  return Object.keys(inputs);
}
