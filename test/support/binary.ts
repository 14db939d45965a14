import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { endProcesses, processesOf, runProgram, systemPath } from "./program.ts";
import type { Ended, RunOptions } from "./program.ts";

const root = join(import.meta.dir, "../..");
const built = join(root, "dist/fail2ban-cloudflare");

let path: Promise<string> | null = null;

/** The binary's path: FAIL2BAN_CLOUDFLARE_BINARY, else the built one, built anew once where the sources are newer. */
export function binaryPath(): Promise<string> {
  path ??= findOrBuild();
  return path;
}

export interface RunBinaryOptions extends RunOptions {
  /** Descriptors that are not even open in the program: 0, 1, 2. */
  readonly closed?: readonly (0 | 1 | 2)[];
  /** Put before the command line: where it runs. */
  readonly inside?: readonly string[];
}

/** Runs the binary as fail2ban would: through sh, with nothing in its environment, in "/", with umask 077. */
export async function runBinary(
  argv: readonly string[],
  { closed = [], inside = [], ...options }: RunBinaryOptions = {},
): Promise<Ended> {
  const redirections = closed.map((descriptor) => (descriptor === 0 ? " <&-" : ` ${descriptor}>&-`)).join("");
  const script = `umask 077; exec "$0" "$@"${redirections}`;
  return await runProgram([...inside, "/bin/sh", "-c", script, await binaryPath(), ...argv], {
    env: {},
    ...options,
  });
}

/** Ends the couriers that were started with this configuration. */
export async function endCouriers(configPath: string): Promise<void> {
  await endProcesses(processesOf("--config", configPath, "deliver"));
}

async function findOrBuild(): Promise<string> {
  const given = process.env["FAIL2BAN_CLOUDFLARE_BINARY"];
  if (given !== undefined && given !== "") return given;
  if (isCurrent()) return built;
  const { HOME = "/", PATH = systemPath } = process.env;
  const build = await runProgram([process.execPath, "scripts/build.ts"], {
    cwd: root,
    env: { HOME, PATH },
    deadlineMs: 120_000,
  });
  if (build.code !== 0) throw new Error(build.stderr);
  return built;
}

function isCurrent(): boolean {
  if (!existsSync(built)) return false;
  const builtAt = statSync(built).mtimeMs;
  const sources = ["src", "scripts/build"].flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true, encoding: "utf8" }).map(
      (name) => `${directory}/${name}`,
    ),
  );
  return [...sources, "package.json", "bun.lock", "scripts/build.ts"].every(
    (name) => statSync(join(root, name)).mtimeMs <= builtAt,
  );
}
