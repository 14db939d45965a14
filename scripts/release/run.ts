export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end with nothing of the caller's environment but where programs are. */
export function run(argv: readonly string[], { cwd, env = {} }: RunOptions): void {
  const { PATH = "/usr/bin:/bin" } = process.env;
  const ended = Bun.spawnSync([...argv], {
    cwd,
    env: { PATH, LC_ALL: "C", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  if (ended.exitCode === 0) return;
  const said = `${ended.stdout.toString()}${ended.stderr.toString()}`.trim();
  throw new Error(`${argv[0]} ended with ${ended.exitCode}: ${said}`);
}
