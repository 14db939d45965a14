import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "../targets.ts";

const root = join(import.meta.dir, "../..");

/** Beside what is built: an ordinary installation brings this machine's Bun alone, and does not look in here. */
const directory = join(root, "dist/runtimes");

/** Where their packages are. */
export const runtimes = join(directory, "node_modules");

/**
 * Brings the Bun of every target from npm, in the versions and with the sums of bun.lock; from Bun's cache where it has
 * them. Once it has, no network is needed any more.
 */
export function installRuntimes(): void {
  mkdirSync(directory, { recursive: true });
  for (const name of ["package.json", "bun.lock", "bunfig.toml"])
    copyFileSync(join(root, name), join(directory, name));
  const command = [process.execPath, "install", "--frozen-lockfile", "--ignore-scripts"];
  const { exitCode, stderr } = Bun.spawnSync([...command, "--os=linux", "--cpu=*", "--libc=*"], {
    cwd: directory,
    stdout: "ignore",
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`Cannot install the runtimes: ${stderr.toString().trim()}`);
}

/** The Bun that goes into a target's binary. */
export function runtimeOf({ runtime }: Target): string {
  const path = join(runtimes, runtime, "bin/bun");
  if (!existsSync(path)) throw new Error(`Cannot find "${path}" though it was installed`);
  return path;
}
