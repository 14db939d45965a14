/** Builds dist/fail2ban-cloudflare for this machine: `bun run build`. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import pkg from "../package.json" with { type: "json" };
import { targetOf } from "./targets.ts";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");
const target = targetOf({ platform: process.platform, arch: process.arch, libc: libcOf(process.execPath) });

mkdirSync(dist, { recursive: true });
// Built aside, and put in place in one step: what runs the old one, or looks for one, never meets half a binary.
const aside = mkdtempSync(join(dist, ".build-"));
try {
  // The name of the file goes into the binary.
  const outfile = join(aside, "fail2ban-cloudflare");
  compile(outfile);
  tryOut(outfile);
  chmodSync(outfile, 0o755);
  renameSync(outfile, join(dist, "fail2ban-cloudflare"));
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(aside, { recursive: true, force: true });
}

function compile(outfile: string): void {
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
    // So that a stack trace names our files and lines. Costs nothing at start.
    "--sourcemap=linked",
    // A root tool reads nothing from the directory that it happens to be started in.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    "--no-compile-autoload-tsconfig",
    "--no-compile-autoload-package-json",
    // Against BUN_OPTIONS=--preload and the like; and a company's own authority counts where the system trusts it.
    "--compile-exec-argv=--disallow-code-generation-from-strings=strict --no-addons --use-system-ca",
    `--target=${target.bun}`,
    `--compile-executable-path=${runtimePath()}`,
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
}

/** The Bun that goes into the binary: the one pinned in bun.lock, never one downloaded while building. */
function runtimePath(): string {
  const path = join(root, "node_modules", target.runtime, "bin/bun");
  return existsSync(path) ? path : process.execPath;
}

/** A build that says nothing can still be dead. */
function tryOut(binary: string): void {
  const run = Bun.spawnSync([binary, "--version"], { cwd: "/", env: {}, stdout: "pipe", stderr: "pipe" });
  const said = run.stdout.toString().trim();
  if (run.exitCode === 0 && said === pkg.version) return;
  throw new Error(
    `the binary ends with ${run.exitCode} and says ${JSON.stringify(`${said}${run.stderr.toString().trim()}`)}, not ${pkg.version}`,
  );
}

/** Which C library a program was linked for, by the loader that its ELF header names. */
function libcOf(program: string): "glibc" | "musl" {
  const head = Buffer.alloc(4096);
  readSync(openSync(program, "r"), head);
  return head.includes("/ld-musl-") ? "musl" : "glibc";
}
