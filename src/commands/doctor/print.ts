import { oneLine } from "../../core/text.ts";
import type { Finding, Report } from "./check.ts";

const signs = { ok: "✓", warn: "!", bad: "✗" } as const satisfies Record<Finding["state"], string>;

/** The worst of all findings. */
export function verdictOf(reports: readonly Report[]): Finding["state"] {
  if (reports.some(({ state }) => state === "bad")) return "bad";
  return reports.some(({ state }) => state === "warn") ? "warn" : "ok";
}

/** A line for each finding, and below it, where there is something to do, what to do. */
export function lines(reports: readonly Report[]): readonly string[] {
  const width = Math.max(0, ...reports.map(({ check }) => check.length));
  return reports.flatMap(({ check, state, what, why, mend }) => [
    `${signs[state]} ${check.padEnd(width)}  ${oneLine(why === null ? what : `${what}: ${why}`)}`,
    ...(mend === null ? [] : [`${" ".repeat(width + 4)}→ ${oneLine(mend)}`]),
  ]);
}

/** The shape is documented in docs/doctor.md. */
export function json(reports: readonly Report[]): string {
  return JSON.stringify({ version: 1, verdict: verdictOf(reports), findings: reports }, null, 2);
}
