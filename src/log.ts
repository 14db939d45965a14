import { createConsola } from "consola/core";
import { appendFileSync } from "node:fs";
import type { Runtime } from "./runtime.ts";

export type Log = (level: "info" | "warn" | "error", jail: string, message: string) => void;

/** The courier's log: fail2ban's line format, into the log file and, from a level on, to stderr. */
export function openLog(
  runtime: Runtime,
  path: string,
  { talks = "info" }: { readonly talks?: "info" | "warn" } = {},
): Log {
  const consola = createConsola({
    // Else equal lines within a second are merged by a timer that keeps the process alive.
    throttle: 0,
    reporters: [
      {
        log({ type, args }) {
          const level = type === "warn" ? "WARNING" : type.toUpperCase();
          const line = `${timestamp(runtime.now())} fail2ban.cloudflare     [${runtime.pid}]: ${level.padEnd(7)} ${oneLine(String(args[0]))}`;
          if (type !== "info" || talks === "info") runtime.talk(line);
          append(path, `${line}\n`);
        },
      },
    ],
  });
  return (level, jail, message) => consola[level](jail === "" ? message : `[${jail}] ${message}`);
}

/** A log that cannot be written must not stop a delivery; stderr still has the line. */
function append(path: string, line: string): void {
  try {
    appendFileSync(path, line, { mode: 0o640 });
  } catch {}
}

/** Local time as fail2ban writes it; without ICU, which would cost each start several milliseconds. */
export function timestamp(at: number): string {
  const time = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${date} ${clock},${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** What is longer than this is cut: a path or a name in a message may be of any length. */
const longestLine = 900;

/** Control characters escaped: a name from a log line must not forge a line of ours. */
export function oneLine(text: string): string {
  const line = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return line.length > longestLine ? `${line.slice(0, longestLine - 3)}...` : line;
}
