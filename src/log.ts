import { createConsola } from "consola/core";
import { appendFileSync } from "node:fs";
import { oneLine, timestamp } from "./core/text.ts";
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
    appendFileSync(path, line, { mode: 0o600 });
  } catch {}
}
