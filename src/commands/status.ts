import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import type { Summary } from "../core/ports.ts";
import { checkCredentialFiles } from "../credential.ts";
import { exitCodes } from "../errors.ts";
import type { FailureKind } from "../errors.ts";
import { openSqlite } from "../journal/sqlite.ts";
import { oneLine, timestamp } from "../log.ts";
import type { Invocation } from "./invocation.ts";

/** What is pending for longer than this has something in its way. */
const overdueMs = 300_000;

export const status = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "status",
      description: "What is held, pending and failing; the exit code says whether all is well",
    },
    args: { json: { type: "boolean", description: "Print JSON", default: false } },
    async run({ args }) {
      const config = loadConfig(runtime, configPath);
      for (const profile of config.profiles.values()) checkCredentialFiles(runtime, config, profile);
      using journal = openSqlite(config.journal);
      const now = runtime.now();
      const summary = await journal.summary(now);
      const verdict = judge(summary, now);
      runtime.print(
        args.json
          ? JSON.stringify({ version: 1, verdict: verdict ?? "ok", ...summary }, null, 2)
          : describe(summary, { now, budget: config.budget }),
      );
      return verdict === null ? 0 : exitCodes[verdict];
    },
  });

/** What is wrong, as the exit code says it; null: nothing is. */
export function judge({ pauses, pending, oldestPendingAt }: Summary, now: number): FailureKind | null {
  const lasting =
    pauses.find(({ kind }) => kind === "rejected") ?? pauses.find(({ kind }) => kind === "config");
  if (lasting !== undefined) return lasting.kind;
  return pending > 0 && now - (oldestPendingAt ?? now) > overdueMs ? "unavailable" : null;
}

function describe(
  summary: Summary,
  { now, budget }: { readonly now: number; readonly budget: number },
): string {
  const { holds, networks, atEdge, pending, parked, oldestPendingAt, pauses, calls } = summary;
  const oldest = oldestPendingAt === null ? "" : `, the oldest since ${timestamp(oldestPendingAt)}`;
  return [
    `held      ${holds} by fail2ban's jails, ${networks} addresses and networks`,
    `at edge   ${atEdge} of ours`,
    `pending   ${pending}${oldest}`,
    `parked    ${parked}${parked > 0 ? " (refused by Cloudflare: see list)" : ""}`,
    `calls     ${calls} of ${budget} in five minutes`,
    ...pauses.map(({ kind, reason, sinceAt, untilAt }) => {
      const next = untilAt > now ? `, next try ${timestamp(untilAt)}` : "";
      return `${kind.padEnd(9)} since ${timestamp(sinceAt)}${next}: ${oneLine(reason)}`;
    }),
  ].join("\n");
}
