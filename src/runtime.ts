/** The part of the global `fetch` that we use; `typeof fetch` would ask for `preconnect` too. */
export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

export interface RunResult {
  /** Exit status; above 128 when a signal ended it; 127 when the program is not there. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A terminal that somebody looks at. */
export interface Terminal {
  /** Its size now. */
  readonly columns: number;
  readonly rows: number;
  /** Writes text as it is, without the end of a line. */
  write(text: string): void;
}

/** The keyboard of the person who started the program. */
export interface Keyboard {
  /** Hands over what is typed or pasted, unechoed, until it is disposed of: Ctrl-C too is a key then. */
  listen(onKeys: (typed: string) => void): Disposable;
}

/** Everything the program takes from the outside; tests build their own. */
export interface Runtime {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** "/" or, in tests, a directory that stands for it. */
  readonly root: string;
  /** The binary that runs, to install it. */
  readonly execPath: string;
  /** The start of a command line that runs this program again: the binary, or Bun and a source file. */
  readonly self: readonly string[];
  readonly hostname: string;
  readonly pid: number;
  /** Aborted by SIGTERM and SIGINT. */
  readonly signal: AbortSignal;
  readonly fetch: Fetch;
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 up to, not including, 1. */
  random(): number;
  /** Runs a program by its absolute path, without a shell, to its end or for `timeoutMs` at most. */
  run(argv: readonly string[], options: { readonly timeoutMs: number }): Promise<RunResult>;
  /** Starts a program in a session of its own, stdio on /dev/null, and does not wait. */
  detach(argv: readonly string[]): void;
  /** Addresses of this machine's own network interfaces. */
  interfaceAddresses(): readonly string[];
  /** Writes a line to stdout: the result. */
  print(line: string): void;
  /** Writes a line to stderr: the talk. */
  talk(line: string): void;
  /** What stdout or stderr is connected to; null: no terminal. Takes some milliseconds, so never for a hook. */
  terminal(stream: "stdout" | "stderr"): Terminal | null;
  /** What stdin is connected to; null: no terminal. Takes some milliseconds, so never for a hook. */
  keyboard(): Keyboard | null;
}
