import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { statOf } from "../../config.ts";
import type { Summary } from "../../core/views.ts";
import { timestamp } from "../../core/text.ts";
import { bad, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";

/** What is pending for longer than this has something in its way. */
const overdueMs = 300_000;

/** A courier compares the edge every hour, and looks every minute whether it is time. */
const silentMs = 2 * 3_600_000;

/** Less than this is soon full. */
const fewBytes = 32 * 1024 * 1024;

/** Whether what is wanted is recorded, and gets delivered. */
export const journal: Check = {
  name: "journal",
  async run(host) {
    const disk = room(dirname(host.config().journal));
    const opened = host.journal();
    if (opened === null) return orWell(disk, "There is no journal yet: the first ban makes it");
    opened.verify();
    const now = host.runtime.now();
    const summary = await opened.summary(now);
    const syncedAt = Number((await opened.fact("synced_at")) ?? now);
    return orWell(
      [...disk, ...obstacles(summary), ...backlog(summary, now), ...silence(syncedAt, now)],
      `Bans in the journal: ${summary.holds}; waiting to be delivered: ${summary.pending}`,
    );
  },
};

function room(directory: string): Finding[] {
  if (statOf(directory) === null) return [];
  const { bavail, bsize } = statfsSync(directory);
  if (bavail * bsize >= fewBytes) return [];
  return [
    bad(`The disk of "${directory}" is nearly full`, "bans cannot be recorded then", `df ${directory}`),
  ];
}

function obstacles({ pauses }: Summary): Finding[] {
  return pauses
    .filter(({ kind }) => kind !== "unavailable")
    .map(({ reason, sinceAt }) =>
      bad(
        `Delivery is stopped since ${timestamp(sinceAt)}: ${reason}`,
        "nothing is blocked until that is mended",
        "mend what it names, or log in anew; then: fail2ban-cloudflare deliver --once",
      ),
    );
}

function backlog({ pending, oldestPendingAt, parked, pauses }: Summary, now: number): Finding[] {
  const findings: Finding[] = [];
  if (pending > 0 && oldestPendingAt !== null && now - oldestPendingAt > overdueMs) {
    const reason = pauses[0]?.reason ?? "no courier has tried, or Cloudflare does not answer";
    findings.push(
      bad(
        `${pending} addresses wait, the oldest since ${timestamp(oldestPendingAt)}`,
        reason,
        "fail2ban-cloudflare deliver --once",
      ),
    );
  }
  if (parked > 0) {
    findings.push(
      warn(
        `Cloudflare refuses ${parked} addresses`,
        "they are not blocked",
        "fail2ban-cloudflare list says why",
      ),
    );
  }
  return findings;
}

function silence(syncedAt: number, now: number): Finding[] {
  if (now - syncedAt < silentMs) return [];
  return [
    bad(
      `No courier has compared the edge since ${timestamp(syncedAt)}`,
      "retries and the ends of bans depend on it",
      "fail2ban-cloudflare deliver --once; and see that its timer or cron entry runs",
    ),
  ];
}
