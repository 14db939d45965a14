import pkg from "../../../package.json" with { type: "json" };
import type { ScopeView } from "../../core/views.ts";
import type { FailureKind } from "../../errors.ts";
import { oneLine } from "../../core/text.ts";
import { wrapped } from "../../wrapped.ts";
import { counted, moment, span, table } from "../table.ts";
import type { Report } from "./report.ts";
import { sparkline } from "./sparkline.ts";

export interface ScreenOptions {
  /** Lines that there are: of a table that does not fit, the rest is counted. Infinity: all is shown. */
  readonly rows: number;
  /** What is longer goes on below, but for the tables. Infinity: it does not. */
  readonly columns: number;
  readonly utf8: boolean;
}

/** Lines beside the rows of the two tables. */
const otherLines = 18;
const fewestRows = 3;

const verdicts = {
  usage: "the command line does not serve",
  config: "the configuration does not serve",
  rejected: "Cloudflare rejects the credential",
  refused: "Cloudflare refuses addresses",
  unavailable: "bans have been waiting for too long",
  journal: "the journal does not serve",
} as const satisfies Record<FailureKind, string>;

/** The report on one screen. */
export function screen(report: Report, { rows, columns, utf8 }: ScreenOptions): readonly string[] {
  const { at, host, verdict, bansByHour } = report;
  const most = Math.max(fewestRows, Math.floor((rows - otherLines) / 2));
  const bans = bansByHour.reduce((sum, count) => sum + count, 0);
  const busiest = bans === 0 ? "" : `, ${Math.max(...bansByHour)} in the busiest hour`;
  return [
    `fail2ban-cloudflare ${pkg.version} on ${host}, ${moment(at)}`,
    "",
    `verdict   ${verdict === null ? "all is well" : verdicts[verdict]}`,
    ...figures(report).flatMap((line) => wrapped(line, { columns, indent: 10 })),
    `bans      ${sparkline(bansByHour, { utf8 })} ${bans} in 24 hours${busiest}`,
    ...part(jailTable(report), most),
    ...part(scopeTable(report), most),
  ];
}

function figures(report: Report): readonly string[] {
  const { at, summary, jails, scopes, budget, doneAt, outForCapacity } = report;
  const { holds, networks, atEdge, pending, parked, oldestPendingAt, pauses } = summary;
  const holding = jails.filter(({ held }) => held > 0).length;
  const foreign = scopes.reduce((sum, scope) => sum + (scope.foreign ?? 0), 0);
  const oldest = oldestPendingAt === null ? "" : `, the oldest for ${span(at - oldestPendingAt)}`;
  const done =
    doneAt === null ? "" : `; the budget lets them through in ${span(Math.max(60_000, doneAt - at))}`;
  return [
    `held      ${holds} by ${counted(holding, "jail")}, ${counted(networks, "address or network", "addresses and networks")}`,
    `at edge   ${atEdge} of ours${foreign === 0 ? "" : `, ${foreign} of somebody else's (left as they are: see list)`}`,
    `pending   ${pending}${oldest}${done}`,
    `parked    ${parked}${parked === 0 ? "" : " (refused by Cloudflare: see list)"}`,
    ...(outForCapacity === null ? [] : [`capacity  ${outForCapacity} do not fit and are not blocked`]),
    `budget    ${budget.used} of ${budget.limit} calls in five minutes, ${budget.limit - budget.used} left`,
    `success   ${lastSuccess(scopes, at)}`,
    `error     ${lastError(scopes, at)}`,
    ...fleetLines(report),
    ...pauses.map(({ kind, reason, sinceAt, untilAt }) => {
      const next = untilAt > at ? `, next try in ${span(untilAt - at)}` : "";
      return `trouble   ${kind} for ${span(at - sinceAt)}${next}: ${oneLine(reason)}`;
    }),
  ];
}

function fleetLines({ at, fleet }: Report): readonly string[] {
  if (fleet === null) return [];
  const { name, trouble, hosts, gone } = fleet;
  if (trouble !== null)
    return [`fleet     ${name}: only what this server holds is known: ${oneLine(trouble)}`];
  const holding = hosts.map(({ host, holds }) => `${host} holds ${holds}`);
  return [
    `fleet     ${name}: ${holding.join(", ")}`,
    ...gone.map(
      ({ host, seenAt }) =>
        `gone      ${host}, not seen for ${span(at - seenAt)}; if it is for good: fail2ban-cloudflare fleet retire ${host}`,
    ),
  ];
}

function lastSuccess(scopes: readonly ScopeView[], now: number): string {
  const at = Math.max(...scopes.map(({ succeededAt }) => succeededAt ?? 0));
  return at > 0 ? `${moment(at)}, ${span(now - at)} ago` : "none yet";
}

function lastError(scopes: readonly ScopeView[], now: number): string {
  const [last] = scopes.toSorted((a, b) => (b.failedAt ?? 0) - (a.failedAt ?? 0));
  if (last === undefined || last.failedAt === null || last.reason === null) return "none";
  return `${moment(last.failedAt)}, ${span(now - last.failedAt)} ago, ${scopeName(last)}: ${oneLine(last.reason)}`;
}

function jailTable({ jails }: Report): readonly string[] {
  const rows = jails
    .filter(({ held, bansOfDay }) => held > 0 || bansOfDay > 0)
    .map((one) => [oneLine(one.jail), one.held, one.pending, one.parked, one.bansOfDay]);
  return table(["JAIL", "HELD", "PENDING", "PARKED", "BANS IN 24 H"], rows);
}

function scopeTable({ scopes }: Report): readonly string[] {
  const rows = scopes.map((scope) => [
    scopeName(scope),
    scope.ours ?? "unknown",
    scope.foreign ?? "unknown",
    scope.succeededAt === null ? "never" : moment(scope.succeededAt),
  ]);
  return table(["SCOPE", "OURS", "FOREIGN", "LAST SUCCESS"], rows);
}

/** A profile of its own is named beside the place. */
function scopeName({ profile, label }: ScopeView): string {
  return oneLine(profile === "" ? label : `${label} (${profile})`);
}

/** A table with a line before it, if it has rows; those that do not fit are counted. */
function part([headings = "", ...rows]: readonly string[], most: number): readonly string[] {
  if (rows.length === 0) return [];
  const left = rows.length > most ? [`… and ${rows.length - most} more: see status --json`] : [];
  return ["", headings, ...rows.slice(0, most), ...left];
}
