import { until } from "./wait.ts";

/** A program at a real terminal: what it shows is read, and keys are pressed, as a person does. */
export interface AtTerminal extends AsyncDisposable {
  /** All that was shown so far, without colours and movements. */
  shown(): string;
  /** Returns when this has been shown since the last key. */
  shows(text: string): Promise<void>;
  press(keys: string): void;
  /** The exit code. */
  ended(): Promise<number>;
  /** Whether the terminal shows what is typed, as a shell needs it. */
  echoes(): boolean;
}

export const keys = { enter: "\r", down: "\x1b[B", space: " ", interrupt: "\x03" } as const;

/** A terminal's ECHO flag. Source: termios(3) of Linux. */
const echo = 0o10;

const deadlineMs = 20_000;

export function atTerminal(argv: readonly string[]): AtTerminal {
  const decoder = new TextDecoder();
  let [output, pressedAt] = ["", 0];
  const terminal = new Bun.Terminal({
    cols: 120,
    rows: 40,
    data: (_, bytes) => void (output += decoder.decode(bytes, { stream: true })),
  });
  const child = Bun.spawn([...argv], { env: { TERM: "xterm" }, cwd: "/", terminal });
  return {
    shown: () => Bun.stripANSI(output),
    shows: (text) =>
      until(() => Bun.stripANSI(output.slice(pressedAt)).includes(text), {
        deadlineMs,
        what: () => `"${text}" in ${JSON.stringify(output)}`,
      }).then(() => {}),
    press(pressed) {
      pressedAt = output.length;
      terminal.write(pressed);
    },
    async ended() {
      await until(() => child.exitCode !== null || child.signalCode !== null, {
        deadlineMs,
        what: () => `the program's end: ${JSON.stringify(output)}`,
      });
      return child.exitCode ?? -1;
    },
    echoes: () => (terminal.localFlags & echo) !== 0,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      terminal.close();
    },
  };
}
