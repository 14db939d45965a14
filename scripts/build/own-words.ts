import { join } from "node:path";

/**
 * What the program itself prints, as its manual page; from the sources, as the binary may be for another machine.
 * Throws when it fails.
 */
export function ownWords(...args: readonly string[]): Uint8Array {
  const root = join(import.meta.dir, "../..");
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, "src/index.ts", ...args], {
    cwd: root,
    env: {},
  });
  if (exitCode === 0) return stdout;
  throw new Error(`the program cannot print its ${args.join(" ")}: ${stderr.toString().trim()}`);
}
