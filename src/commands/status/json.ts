import type { Report } from "./report.ts";

/** The report for programs, as docs/operations.md describes it; what breaks a reader gets another version. */
export function reportAsJson(report: Report): string {
  const { holds, networks, atEdge, pending, parked, oldestPendingAt, pauses } = report.summary;
  const scopes = report.scopes.map(({ credential: _, ...scope }) => scope);
  const { at, host, budget, doneAt, outForCapacity, bansByHour, jails, fleet } = report;
  return JSON.stringify(
    {
      version: 1,
      at,
      host,
      verdict: report.verdict ?? "ok",
      holds,
      networks,
      atEdge,
      pending,
      oldestPendingAt,
      doneAt,
      parked,
      outForCapacity,
      budget,
      bansByHour,
      pauses,
      jails,
      scopes,
      ...(fleet === null ? {} : { fleet }),
    },
    null,
    2,
  );
}
