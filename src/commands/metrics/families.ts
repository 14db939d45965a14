import pkg from "../../../package.json" with { type: "json" };
import type { Host } from "../../core/fleet.ts";
import type { JailView, ScopeView } from "../../core/views.ts";
import type { FleetReport, Report } from "../status/report.ts";
import type { Family, Sample } from "./exposition.ts";

const verdicts = ["ok", "config", "rejected", "unavailable"] as const;
const troubles = ["config", "rejected", "unavailable"] as const;

/** The report as metrics; docs/metrics.md names them all. */
export function families(report: Report): readonly Family[] {
  const { host, summary, jails, scopes, budget, outForCapacity, doneAt, fleet } = report;
  const verdict = report.verdict ?? "ok";
  const gauge = (name: string, help: string, ...samples: readonly Sample[]): Family => ({
    name: `fail2ban_cloudflare_${name}`,
    type: "gauge",
    help,
    samples,
  });
  const ofJails = (figure: (jail: JailView) => number): readonly Sample[] =>
    jails.map((one) => ({ labels: { jail: one.jail }, value: figure(one) }));
  const ofScopes = (figure: (scope: ScopeView) => number | null): readonly Sample[] =>
    scopes.flatMap((one) => {
      const value = figure(one);
      return value === null ? [] : [{ labels: { scope: one.label, profile: one.profile }, value }];
    });
  return [
    gauge("info", "Version of the program and the host in its mark; always 1", {
      labels: { version: pkg.version, host },
      value: 1,
    }),
    gauge(
      "verdict",
      "1 for the verdict of status, 0 for the others",
      ...verdicts.map((one) => ({ labels: { verdict: one }, value: one === verdict ? 1 : 0 })),
    ),
    gauge(
      "troubles",
      "Credentials and places that cannot be used now, by what is in the way",
      ...troubles.map((kind) => ({
        labels: { kind },
        value: summary.pauses.filter((pause) => pause.kind === kind).length,
      })),
    ),
    gauge("holds", "Addresses that a jail holds", ...ofJails(({ held }) => held)),
    gauge(
      "holds_pending",
      "Addresses of a jail that are not delivered yet",
      ...ofJails(({ pending }) => pending),
    ),
    gauge("holds_parked", "Addresses of a jail that Cloudflare refuses", ...ofJails(({ parked }) => parked)),
    {
      name: "fail2ban_cloudflare_bans_total",
      type: "counter",
      help: "New bans of a jail since the journal was made",
      samples: ofJails(({ bansEver }) => bansEver),
    },
    gauge("networks", "Addresses and networks to be blocked", { value: summary.networks }),
    gauge("networks_pending", "Addresses and networks that may differ at the edge", {
      value: summary.pending,
    }),
    gauge("networks_parked", "Addresses and networks that Cloudflare refuses", { value: summary.parked }),
    gauge("networks_out_for_capacity", "Addresses and networks that do not fit", ...valueOf(outForCapacity)),
    gauge(
      "pending_oldest_timestamp_seconds",
      "Since when the oldest pending network waits; absent where none does",
      ...secondsOf(summary.oldestPendingAt),
    ),
    gauge(
      "backlog_done_timestamp_seconds",
      "When the budget has let all that is pending through; absent where nothing waits for it",
      ...secondsOf(doneAt),
    ),
    gauge("edge_rules", "Rules of ours at a place", ...ofScopes(({ ours }) => ours)),
    gauge(
      "edge_foreign_rules",
      "Held addresses that somebody else has a rule for",
      ...ofScopes(({ foreign }) => foreign),
    ),
    gauge(
      "last_success_timestamp_seconds",
      "When a call to a place last succeeded",
      ...ofScopes(({ succeededAt }) => succeededAt && succeededAt / 1_000),
    ),
    gauge(
      "last_error_timestamp_seconds",
      "When a call to a place last failed",
      ...ofScopes(({ failedAt }) => failedAt && failedAt / 1_000),
    ),
    gauge("api_calls", "API calls of the last five minutes, of the credential with most", {
      value: budget.used,
    }),
    gauge("api_calls_limit", "API calls that are allowed in five minutes", { value: budget.limit }),
    ...(fleet === null ? [] : ofFleet(gauge, fleet)),
  ];
}

function ofFleet(
  gauge: (name: string, help: string, ...samples: readonly Sample[]) => Family,
  { trouble, hosts, gone }: FleetReport,
): readonly Family[] {
  const ofHosts = (figure: (host: Host) => number): readonly Sample[] =>
    hosts.map((one) => ({ labels: { host: one.host }, value: figure(one) }));
  return [
    gauge("fleet_reachable", "1: the figures are the fleet's; 0: those of this server alone", {
      value: trouble === null ? 1 : 0,
    }),
    gauge("fleet_host_holds", "Addresses that the jails of a server hold", ...ofHosts(({ holds }) => holds)),
    gauge(
      "fleet_host_seen_timestamp_seconds",
      "When a server was last connected",
      ...ofHosts(({ seenAt }) => seenAt / 1_000),
    ),
    gauge(
      "fleet_host_gone",
      "1 for a server that was not seen for so long that it may be gone for good",
      ...ofHosts((host) => (gone.includes(host) ? 1 : 0)),
    ),
  ];
}

function valueOf(value: number | null): readonly Sample[] {
  return value === null ? [] : [{ value }];
}

function secondsOf(at: number | null): readonly Sample[] {
  return valueOf(at === null ? null : at / 1_000);
}
