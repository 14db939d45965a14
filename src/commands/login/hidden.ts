import type { Keyboard } from "../../runtime.ts";

/** A line that is typed or pasted and not shown; null when the person gives up (Ctrl-C, Ctrl-D). */
export async function readHidden(keyboard: Keyboard): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  let text = "";
  using _keys = keyboard.listen((typed) => {
    for (const key of typed) {
      if (key === "\r" || key === "\n") resolve(text);
      else if (key === "\u0003" || (key === "\u0004" && text === "")) resolve(null);
      else if (key === "\u007f" || key === "\b") text = text.slice(0, -1);
      else if (key === "\u0015") text = "";
      else text += key;
    }
  });
  return await promise;
}
