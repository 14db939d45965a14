import type { Runtime, Terminal } from "../runtime.ts";

/** What long work shows of itself, on stderr. */
export interface Progress extends Disposable {
  /** The runtime to go on with: its lines and the progress do not disturb each other. */
  readonly runtime: Runtime;
  /** Says how far a step is; without a total where nobody knows it. May be called as often as you like. */
  step(label: string, done: number, total?: number): void;
}

const redrawMs = 100;

/** Work that is over sooner says nothing off a terminal. */
const silentMs = 2_000;

const clearLine = "\r\u001b[K";

/** On a terminal one line that is drawn anew and goes at the end; elsewhere a few plain lines. */
export function openProgress(runtime: Runtime): Progress {
  const terminal = runtime.terminal("stderr");
  return terminal === null ? plainProgress(runtime) : redrawnProgress(runtime, terminal);
}

function redrawnProgress(runtime: Runtime, terminal: Terminal): Progress {
  let [shown, drawnAt, label] = ["", Number.NEGATIVE_INFINITY, ""];
  const draw = (): void =>
    terminal.write(`${clearLine}${[...shown].slice(0, terminal.columns - 1).join("")}`);
  const around =
    (say: (line: string) => void) =>
    (line: string): void => {
      if (shown !== "") terminal.write(clearLine);
      say(line);
      if (shown !== "") draw();
    };
  return {
    runtime: { ...runtime, print: around(runtime.print), talk: around(runtime.talk) },
    step(next, done, total) {
      shown = describe(next, done, total);
      if (next === label && runtime.now() - drawnAt < redrawMs) return;
      [drawnAt, label] = [runtime.now(), next];
      draw();
    },
    [Symbol.dispose]() {
      if (shown !== "") terminal.write(clearLine);
      shown = "";
    },
  };
}

/** A line for each tenth, or, where there is no total, each time that twice as much is done. */
function plainProgress(runtime: Runtime): Progress {
  const beganAt = runtime.now();
  const said = new Map<string, number>();
  return {
    runtime,
    step(label, done, total) {
      if (runtime.now() - beganAt < silentMs) return;
      const mark =
        total === undefined ? Math.floor(Math.log2(done + 1)) : Math.floor((10 * done) / Math.max(1, total));
      if (mark <= (said.get(label) ?? 0)) return;
      said.set(label, mark);
      runtime.talk(describe(label, done, total));
    },
    [Symbol.dispose]: () => {},
  };
}

function describe(label: string, done: number, total: number | undefined): string {
  if (total === undefined) return `${label}: ${done}`;
  return `${label}: ${done} of ${total} (${Math.floor((100 * done) / Math.max(1, total))} %)`;
}
