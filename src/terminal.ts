import type { Terminal } from "./runtime.ts";

/** What is used of the stream that a terminal is read by. */
interface Keys {
  setRawMode(raw: boolean): unknown;
  on(event: "data", listener: (typed: Buffer) => void): unknown;
  off(event: "data", listener: (typed: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** Reads from the process's own stream: a second reader of the terminal would take what the first is to get. */
export function terminalOf(keys: Keys): Terminal {
  return {
    async readHidden() {
      const { promise, resolve } = Promise.withResolvers<string | null>();
      let text = "";
      const take = (typed: Buffer): void => {
        for (const key of typed.toString()) {
          if (key === "\r" || key === "\n") resolve(text);
          else if (key === "\u0003" || (key === "\u0004" && text === "")) resolve(null);
          else if (key === "\u007f" || key === "\b") text = text.slice(0, -1);
          else if (key === "\u0015") text = "";
          else text += key;
        }
      };
      keys.setRawMode(true);
      keys.on("data", take);
      keys.resume();
      try {
        return await promise;
      } finally {
        keys.off("data", take);
        keys.pause();
        keys.setRawMode(false);
      }
    },
  };
}
