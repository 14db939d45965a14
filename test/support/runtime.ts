import type { Fetch, Runtime } from "../../src/runtime.ts";

export interface TestRuntimeOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A directory that stands for "/". */
  readonly root?: string;
  readonly execPath?: string;
  readonly self?: readonly string[];
  readonly hostname?: string;
  readonly signal?: AbortSignal;
  readonly fetch?: Fetch;
  readonly now?: () => number;
  readonly sleep?: Runtime["sleep"];
  readonly run?: Runtime["run"];
  readonly detach?: Runtime["detach"];
  readonly interfaceAddresses?: readonly string[];
  readonly terminal?: Runtime["terminal"];
}

/** A Runtime whose lines are kept; what is not given is real, but for the network, which is not there. */
export interface TestRuntime extends Runtime {
  readonly printed: string[];
  readonly talked: string[];
}

export function testRuntime(options: TestRuntimeOptions = {}): TestRuntime {
  const [printed, talked]: [string[], string[]] = [[], []];
  const execPath = options.execPath ?? "/nonexistent";
  return {
    printed,
    talked,
    env: options.env ?? {},
    root: options.root ?? "/",
    execPath,
    self: options.self ?? [execPath],
    hostname: options.hostname ?? "web1",
    pid: process.pid,
    signal: options.signal ?? new AbortController().signal,
    fetch: options.fetch ?? (() => Promise.reject(new Error("there is no network in this test"))),
    now: options.now ?? Date.now,
    random: Math.random,
    sleep: options.sleep ?? ((ms) => Bun.sleep(ms)),
    run: options.run ?? runProgram,
    detach: options.detach ?? (() => {}),
    interfaceAddresses: () => options.interfaceAddresses ?? [],
    print: (line) => void printed.push(line),
    talk: (line) => void talked.push(line),
    terminal: options.terminal ?? (() => null),
    keyboard: () => null,
  };
}

const runProgram: Runtime["run"] = async (argv, { timeoutMs }) => {
  try {
    const child = Bun.spawn([...argv], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: timeoutMs,
      cwd: "/",
    });
    const [stdout, stderr, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  } catch (error) {
    return { code: 127, stdout: "", stderr: String(error) };
  }
};
