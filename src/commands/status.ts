import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { goneHosts } from "../core/fleet.ts";
import type { Host } from "../core/fleet.ts";
import type { Summary } from "../core/ports.ts";
import { checkCredentialFiles } from "../credential.ts";
import { exitCodes } from "../errors.ts";
import type { FailureKind } from "../errors.ts";
import { oneLine, timestamp } from "../log.ts";
import type { Invocation } from "./invocation.ts";
import { openViews } from "./views.ts";

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
      await using views = await openViews(runtime, config);
      const { trouble } = views;
      if (trouble !== null) runtime.talk(`Only what this host holds: ${trouble.summary}`);
      const now = views.now();
      const [summary, hosts] = [await views.summary(now), await views.hosts()];
      const verdict = judge(summary, now) ?? trouble?.kind ?? null;
      const gone = goneHosts(hosts, now, config.fleet?.goneAfterMs ?? 0);
      runtime.print(
        args.json
          ? JSON.stringify({ version: 1, verdict: verdict ?? "ok", ...summary, hosts, gone }, null, 2)
          : [describe(summary, { now, budget: config.budget }), ...describeHosts(hosts, gone)].join("\n"),
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

function describeHosts(hosts: readonly Host[], gone: readonly Host[]): string[] {
  if (hosts.length === 0) return [];
  const names = hosts.map(({ host, holds }) => `${host} (${holds})`);
  return [
    `hosts     ${names.join(", ")}`,
    ...gone.map(
      ({ host, seenAt }) =>
        `gone      ${host}, last seen ${timestamp(seenAt)} (for good? fail2ban-cloudflare fleet retire ${host})`,
    ),
  ];
}
