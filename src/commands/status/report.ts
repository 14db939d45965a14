import type { Config } from "../../config.ts";
import { backlogDoneAt } from "../../core/backlog.ts";
import { allowance } from "../../core/budget.ts";
import type {
  CallLedger,
  JailView,
  OverviewLedger,
  ScopeView,
  Summary,
  ViewLedger,
} from "../../core/ports.ts";
import type { FailureKind } from "../../errors.ts";

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
}

type Views = Pick<CallLedger, "slots"> & OverviewLedger & Pick<ViewLedger, "summary">;

export async function reportOf(
  journal: Views,
  { host, budget, profiles }: Pick<Config, "host" | "budget" | "profiles">,
  now: number,
): Promise<Report> {
  const summary = await journal.summary(now);
  const scopes = await journal.scopeViews();
  const credentials = [...new Set(scopes.map(({ credential }) => credential))];
  const slots = new Map(
    await Promise.all(credentials.map(async (one) => [one, await journal.slots(one)] as const)),
  );
  const left = [...slots.values()].map((spent) => allowance(spent, now, budget));
  const backlog = { pending: await journal.pendingOf(), scopes, pauses: summary.pauses, slots, budget };
  return {
    at: now,
    host,
    verdict: judge(summary, now),
    summary,
    jails: await journal.jailViews(now),
    scopes,
    budget: { limit: budget, used: budget - Math.min(budget, ...left) },
    doneAt: backlogDoneAt(backlog, now),
    outForCapacity: [...profiles.values()].some(({ list }) => list !== null) ? summary.outside : null,
    bansByHour: await journal.bansByHour(now),
  };
}

function judge({ pauses, pending, oldestPendingAt }: Summary, now: number): FailureKind | null {
  const lasting =
    pauses.find(({ kind }) => kind === "rejected") ?? pauses.find(({ kind }) => kind === "config");
  if (lasting !== undefined) return lasting.kind;
  return pending > 0 && now - (oldestPendingAt ?? now) > overdueMs ? "unavailable" : null;
}
