import { join } from "node:path";
import { mustRun } from "../../test/support/program.ts";

/** What the operating system says of one run of a program. */
export interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMiB: number;
}

export interface Command {
  /** The program by its absolute path and its arguments; "{n}" becomes the number of the run in hexadecimal, "{ipv4}" an address. */
  readonly words: readonly string[];
  /** How it must end; 0 unless told. */
  readonly status?: number;
  /** Its environment beside PATH. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Turns {
  readonly rounds: number;
  /** Rounds before those that count. */
  readonly warmup: number;
}

/** Runs the commands in turn and returns the medians of each. */
export async function runInTurn(
  commands: readonly Command[],
  { rounds, warmup }: Turns,
): Promise<readonly Sample[]> {
  const plan = {
    rounds,
    warmup,
    commands: commands.map(({ words, status = 0, env = {} }) => ({ words, status, env })),
  };
  const text = await mustRun(["/usr/bin/python3", join(import.meta.dir, "spawn.py")], {
    stdin: JSON.stringify(plan),
    deadlineMs: 600_000,
  });
  return (JSON.parse(text) as Sample[][]).map((samples) => ({
    wallMs: median(samples.map(({ wallMs }) => wallMs)),
    cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
    peakMiB: median(samples.map(({ peakMiB }) => peakMiB)),
  }));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}
