/** Builds dist/fail2ban-cloudflare for this machine, and its manual page: `bun run build`. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import pkg from "../package.json" with { type: "json" };
import { binaryName, compile } from "./build/compile.ts";
import { ownWords } from "./build/own-words.ts";
import { targetOf } from "./targets.ts";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");
const target = targetOf({ platform: process.platform, arch: process.arch, libc: libcOf(process.execPath) });

mkdirSync(dist, { recursive: true });
// Built aside, and put in place in one step: what runs the old one, or looks for one, never meets half a binary.
const aside = mkdtempSync(join(dist, ".build-"));
try {
  compile({ target, runtime: runtimePath(), directory: aside });
  const outfile = join(aside, binaryName);
  tryOut(outfile);
  writeFileSync(join(dist, `${binaryName}.8`), ownWords("manual"));
  chmodSync(outfile, 0o755);
  renameSync(outfile, join(dist, binaryName));
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(aside, { recursive: true, force: true });
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
