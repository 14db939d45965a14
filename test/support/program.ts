import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { until } from "./wait.ts";

/** Where fail2ban, nginx and the like are looked for; all that programs under test get to know of our environment. */
export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface RunOptions {
  /** All of it: nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly deadlineMs?: number;
}

/** Runs a program to its end; throws when it, or what it left its pipes to, takes longer than the deadline. */
export async function runProgram(argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { env = { PATH: systemPath }, cwd = "/", stdin, deadlineMs = 20_000 } = options;
  const startedAt = performance.now();
  const child = Bun.spawn([...argv], {
    env,
    cwd,
    stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  const end = Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const state = child.exitCode === null ? "is still running" : "has ended, its pipes are still open";
    child.kill("SIGKILL");
    reject(new Error(`"${argv.join(" ")}" ${state} after ${deadlineMs} ms`));
  }, deadlineMs);
  try {
    const [code, stdout, stderr] = await Promise.race([end, late]);
    return { code, stdout, stderr, ms: performance.now() - startedAt };
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a program that has no business failing. */
export async function mustRun(argv: readonly string[], options?: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await runProgram(argv, options);
  if (code !== 0) throw new Error(`"${argv.join(" ")}" ended with ${code}: ${stderr.trim()}`);
  return stdout;
}

/** A program that runs until it is ended. */
export interface Program {
  readonly pid: number;
  readonly isRunning: boolean;
  /** What it wrote to stdout and stderr. */
  output(): string;
  /** Sends the signal, and SIGKILL when that does not end it in time. */
  end(signal: NodeJS.Signals): Promise<void>;
}

export function startProgram(
  argv: readonly string[],
  outputPath: string,
  { env = { PATH: systemPath }, cwd = "/" }: Pick<RunOptions, "env" | "cwd"> = {},
): Program {
  const output = openSync(outputPath, "a");
  const child = Bun.spawn([...argv], {
    env,
    cwd,
    stdin: "ignore",
    stdout: output,
    stderr: output,
  });
  closeSync(output);
  return {
    pid: child.pid,
    get isRunning() {
      return child.exitCode === null && child.signalCode === null;
    },
    output: () => (existsSync(outputPath) ? readFileSync(outputPath, "utf8") : ""),
    async end(signal) {
      child.kill(signal);
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await child.exited;
      clearTimeout(late);
    },
  };
}

/** The processes whose command line has all these words; one that has ended and is only not yet waited for is none. */
export function processesOf(...words: readonly string[]): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const line = readQuietly(`/proc/${name}/cmdline`).split("\0");
      return words.every((word) => line.includes(word)) && isAlive(Number(name));
    })
    .map(Number);
}

export function isAlive(pid: number): boolean {
  const state = /^State:\s+(\S)/m.exec(readQuietly(`/proc/${pid}/status`))?.[1];
  return state !== undefined && state !== "Z" && state !== "X";
}

/** Ends processes that something we started has left behind. */
export async function endProcesses(
  pids: readonly number[],
  signal: NodeJS.Signals = "SIGTERM",
): Promise<void> {
  for (const pid of pids) sendQuietly(pid, signal);
  const gone = () => !pids.some(isAlive);
  try {
    await until(gone, { what: `the end of ${pids.join(", ")} after ${signal}` });
  } catch (error) {
    if (signal === "SIGKILL") throw error;
    await endProcesses(pids.filter(isAlive), "SIGKILL");
  }
}

function sendQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
