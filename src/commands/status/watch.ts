import type { Runtime, Terminal } from "../../runtime.ts";

const everyMs = 2_000;

/** What ends it: q, Ctrl-C, Ctrl-D; the latter two come as keys, not as signals. */
const ending = /[qQ\u0003\u0004]/;

/** The terminal's other screen, without a cursor; and back to what was there before. */
const enter = "\u001b[?1049h\u001b[?25l";
const leave = "\u001b[?25h\u001b[?1049l";

const home = "\u001b[H";
const clearLine = "\u001b[K";
const clearBelow = "\u001b[J";

/** Draws anew every two seconds until a key or a signal ends it; the terminal is then as it was before. */
export async function watch(
  { sleep, signal, keyboard }: Pick<Runtime, "sleep" | "signal" | "keyboard">,
  terminal: Terminal,
  draw: () => Promise<readonly string[]>,
): Promise<void> {
  const ended = new AbortController();
  const end = AbortSignal.any([signal, ended.signal]);
  terminal.write(enter);
  using _keys = keyboard()?.listen((typed) => {
    if (ending.test(typed)) ended.abort();
  });
  try {
    while (!end.aborted) {
      const { columns, rows } = terminal;
      const lines = (await draw())
        .slice(0, rows)
        .map((line) => `${[...line].slice(0, columns).join("")}${clearLine}`);
      terminal.write(`${home}${lines.join("\r\n")}${clearBelow}`);
      await sleep(everyMs, end);
    }
  } finally {
    terminal.write(leave);
  }
}
