import { mustRun, runProgram, systemPath } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

/** A real terminal with a shell in it, and somebody who types and looks. */
export interface TmuxTerminal extends AsyncDisposable {
  /** Types a line and Enter. */
  type(line: string): Promise<void>;
  /** Types a text and no more. */
  write(text: string): Promise<void>;
  /** Presses keys, by tmux's names. */
  press(...keys: readonly string[]): Promise<void>;
  /** What is on the screen, without empty lines at its end. */
  screen(): Promise<string>;
  /** Waits until the screen shows it, and returns the screen. */
  shows(what: string | RegExp): Promise<string>;
  resize(columns: number, rows: number): Promise<void>;
  /** Whether a program uses the terminal's other screen, and whether the cursor can be seen. */
  state(): Promise<{ readonly otherScreen: boolean; readonly cursor: boolean }>;
}

export interface TmuxOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** Its command line; its prompt must have a "$" or a "#". */
  readonly shell?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function tmuxTerminal({
  columns = 80,
  rows = 24,
  shell = ["/bin/sh"],
  env: own = {},
}: TmuxOptions = {}): Promise<TmuxTerminal> {
  const temporary = tempRoot();
  const env = { PATH: systemPath, LANG: "C.UTF-8", TERM: "xterm-256color", HOME: temporary.path };
  const command = ["tmux", "-u", "-f", "/dev/null", "-S", temporary.at("socket")];
  const tmux = (...args: readonly string[]) => mustRun([...command, ...args], { env });
  const variables = Object.entries({ PS1: "$ ", ...own }).map(([name, value]) => `${name}=${value}`);
  const size = ["-x", String(columns), "-y", String(rows)];
  await tmux("new-session", "-d", ...size, "env", ...variables, ...shell);
  const screen = async (): Promise<string> => (await tmux("capture-pane", "-p")).trimEnd();
  const write = async (text: string) => void (await tmux("send-keys", "-l", text));
  const terminal: TmuxTerminal = {
    write,
    async type(line) {
      await write(line);
      await tmux("send-keys", "Enter");
    },
    press: async (...keys) => void (await tmux("send-keys", ...keys)),
    screen,
    async shows(what) {
      const isThere = async () => {
        const text = await screen();
        return (typeof what === "string" ? text.includes(what) : what.test(text)) ? text : null;
      };
      return await until(isThere, {
        deadlineMs: 30_000,
        what: async () => `${what} on the screen:\n${await screen()}`,
      });
    },
    resize: async (x, y) => void (await tmux("resize-window", "-x", String(x), "-y", String(y))),
    async state() {
      const [other, cursor] = (await tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}"))
        .trim()
        .split(" ");
      return { otherScreen: other === "1", cursor: cursor === "1" };
    },
    async [Symbol.asyncDispose]() {
      await runProgram([...command, "kill-server"], { env });
      temporary[Symbol.dispose]();
    },
  };
  await terminal.shows(/[$#]/);
  return terminal;
}
