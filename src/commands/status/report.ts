import type { Config, FleetConfig } from "../../config.ts";
import { backlogDoneAt } from "../../core/backlog.ts";
import { allowance } from "../../core/budget.ts";
import { goneHosts } from "../../core/fleet.ts";
import type { Host } from "../../core/fleet.ts";
import type { JailView, ScopeView, Summary } from "../../core/views.ts";
import type { FailureKind } from "../../errors.ts";
import type { Views } from "../views.ts";

/** What is pending for longer than this has something in its way. */
const overdueMs = 300_000;

/** Everything that people and monitoring are shown, of one moment. */
export interface Report {
  readonly at: number;
  readonly host: string;
  /** What is wrong, as the exit code says it; null: nothing is. */
  readonly verdict: FailureKind | null;
  readonly summary: Summary;
  readonly jails: readonly JailView[];
  readonly scopes: readonly ScopeView[];
  /** Calls in five minutes, of the credential that has made most. */
  readonly budget: { readonly limit: number; readonly used: number };
  /** When all that is pending is delivered at the latest, as far as that is up to the budget. */
  readonly doneAt: number | null;
  /** Held, and left out where a place is full; null: no place has a limit that we know. */
  readonly outForCapacity: number | null;
  /** Of the last 24 hours, the current one last. */
  readonly bansByHour: readonly number[];
  /** null: the server stands alone. */
  readonly fleet: FleetReport | null;
}

export interface FleetReport {
  readonly name: string;
  /** Why it cannot be seen: then all is of this server alone. */
  readonly trouble: string | null;
  readonly hosts: readonly Host[];
  /** Those that were not seen for so long that they may be gone for good. */
  readonly gone: readonly Host[];
}

export async function reportOf(
  views: Views,
  { host, budget, profiles, fleet }: Pick<Config, "host" | "budget" | "profiles" | "fleet">,
): Promise<Report> {
  const now = views.now();
  const summary = await views.summary(now);
  const scopes = await views.scopeViews();
  const credentials = [...new Set(scopes.map(({ credential }) => credential))];
  const slots = new Map(
    await Promise.all(credentials.map(async (one) => [one, await views.slots(one)] as const)),
  );
  const left = [...slots.values()].map((spent) => allowance(spent, now, budget));
  const backlog = { pending: await views.pendingOf(), scopes, pauses: summary.pauses, slots, budget };
  return {
    at: now,
    host,
    verdict: judge(summary, now) ?? views.trouble?.kind ?? null,
    summary,
    jails: await views.jailViews(now),
    scopes,
    budget: { limit: budget, used: budget - Math.min(budget, ...left) },
    doneAt: backlogDoneAt(backlog, now),
    outForCapacity: [...profiles.values()].some(({ list }) => list !== null) ? summary.outside : null,
    bansByHour: await views.bansByHour(now),
    fleet: fleet === null ? null : await fleetReport(views, fleet),
  };
}

async function fleetReport(views: Views, { name, goneAfterMs }: FleetConfig): Promise<FleetReport> {
  const hosts = await views.hosts();
  const trouble = views.trouble?.summary ?? null;
  return { name, trouble, hosts, gone: goneHosts(hosts, views.now(), goneAfterMs) };
}

function judge({ pauses, pending, oldestPendingAt }: Summary, now: number): FailureKind | null {
  const lasting =
    pauses.find(({ kind }) => kind === "rejected") ?? pauses.find(({ kind }) => kind === "config");
  if (lasting !== undefined) return lasting.kind;
  return pending > 0 && now - (oldestPendingAt ?? now) > overdueMs ? "unavailable" : null;
}
