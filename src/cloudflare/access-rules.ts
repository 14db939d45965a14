import type { Address } from "../core/address.ts";
import { expanded, readAddress, width } from "../core/address.ts";
import { isOurMark, mark, markedJail, plainHost } from "../core/mark.ts";
import { pooled } from "../core/pool.ts";
import type { Blocklist, Change, Settled } from "../core/ports.ts";
import type { Call } from "./client.ts";
import { leftoversOf } from "./leftovers.ts";
import { isGone, refusal, ruleIn } from "./rule-reader.ts";
import { isFor, readRule, rowOf } from "./rule.ts";
import type { AccessRule } from "./rule.ts";

/** Where access rules live. */
export type Scope =
  | { readonly kind: "user" }
  | { readonly kind: "account"; readonly id: string }
  | { readonly kind: "zone"; readonly id: string; readonly name: string };

export interface AccessRulesOptions {
  readonly call: Call;
  readonly scope: Scope;
  readonly host: string;
}

/** Calls under way at once: keeps a storm short without a burst of connections. */
const concurrency = 8;

/** Rules of a page. Source: cloudflare-go's firewall.go names 100 as the API's maximum. */
const perPage = 100;

/** An account has at most 50,000 rules; more pages than that is no answer. */
const mostPages = 500;

const duplicate = 10009;

/** IP access rules of one scope as a Blocklist. */
export function accessRules({ call, scope, host }: AccessRulesOptions): Blocklist {
  const path = `${basePath(scope)}/firewall/access_rules/rules`;

  /** A filter for our own rules: a substring of their notes. */
  const ours = { notes: `host:${plainHost(host)}` };

  async function add(network: Address, mode: string, jail: string): Promise<Found> {
    const answer = await call("POST", path, {
      body: {
        mode,
        configuration: { target: target(network), value: network.text },
        notes: mark(jail, host),
      },
    });
    const rule = ruleIn(answer);
    if (rule !== null && isFor(rule, network)) return { outcome: "added", row: rowOf(rule, network, host) };
    if (!answer.ok && answer.codes.includes(duplicate)) return adopt(network, mode);
    throw refusal(`ban ${network.text}`, answer);
  }

  /** What to make of a rule that is there already: ours from a call whose answer was lost, or somebody else's. */
  async function adopt(network: Address, mode: string): Promise<Found> {
    const rule = await find(network);
    if (rule === null)
      return { outcome: "present", row: { network: network.text, id: null, mode: null, owned: false } };
    const row = rowOf(rule, network, host);
    if (!row.owned || rule.mode === mode) return { outcome: "present", row };
    return change(network, mode, rule.id);
  }

  async function change(network: Address, mode: string, id: string): Promise<Found> {
    const answer = await call("PATCH", `${path}/${id}`, { body: { mode } });
    const rule = ruleIn(answer);
    if (rule !== null) return { outcome: "present", row: rowOf(rule, network, host) };
    throw isGone(answer) ? new Gone() : refusal(`change the mode of ${network.text}`, answer);
  }

  async function remove(network: Address, id: string | null): Promise<Found> {
    const known = id ?? (await findOurs(network))?.id;
    if (known === undefined) return { outcome: "absent", row: null };
    const answer = await call("DELETE", `${path}/${known}`);
    if (answer.ok && answer.result !== null) return { outcome: "removed", row: null };
    if (isGone(answer)) return { outcome: "absent", row: null };
    throw refusal(`unban ${network.text}`, answer);
  }

  async function findOurs(network: Address): Promise<AccessRule | null> {
    const rule = await find(network);
    return rule !== null && isOurMark(rule.notes, host) ? rule : null;
  }

  /** The rule for exactly this network. Every filter is checked again: the API is known to ignore some. */
  async function find(network: Address): Promise<AccessRule | null> {
    const values = [...new Set([expanded(network), network.text])];
    for (const value of values) {
      for await (const rule of list({ "configuration.value": value })) {
        if (isFor(rule, network)) return rule;
      }
    }
    if (network.family === "inet4") return null;
    // Whether the filter takes IPv6 is documented nowhere: look through our own rules, then.
    for await (const rule of list(ours)) {
      if (isFor(rule, network)) return rule;
    }
    return null;
  }

  async function* list(filter: Record<string, string>): AsyncGenerator<AccessRule> {
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const answer = await call("GET", path, { query: { ...filter, page, per_page: perPage } });
      if (!answer.ok || !Array.isArray(answer.result) || page > mostPages)
        throw refusal("list access rules", answer);
      if (answer.result.length === 0) return;
      pages = answer.totalPages;
      const rules = answer.result.map(readRule).filter((rule) => rule !== null);
      // The list of a zone may show rules of its account and user too.
      yield* rules.filter((rule) => (rule.scopeType ?? scopeType(scope)) === scopeType(scope));
    }
  }

  async function settle(wanted: Change): Promise<Settled> {
    try {
      return { change: wanted, ...(await make(wanted)) };
    } catch (failure) {
      return { change: wanted, failure };
    }
  }

  async function make(wanted: Change): Promise<Found> {
    if (wanted.kind === "remove") return remove(wanted.network, wanted.id);
    if (wanted.kind === "add") return add(wanted.network, wanted.mode, wanted.jail);
    try {
      return await change(wanted.network, wanted.mode, wanted.id);
    } catch (error) {
      if (error instanceof Gone) return add(wanted.network, wanted.mode, wanted.jail);
      throw error;
    }
  }

  return {
    place: placeOf(scope),
    label: scope.kind === "zone" ? `zone ${scope.name}` : scope.kind,
    apply: (changes, signal) => pooled(changes, settle, { concurrency, signal }),
    async *entries({ foreign }) {
      for await (const rule of list(foreign ? {} : ours)) {
        const network = readAddress(rule.value);
        if (network === null) continue;
        const row = rowOf(rule, network, host);
        if (foreign || row.owned) yield { ...row, jail: markedJail(rule.notes, host) };
      }
    },
    leftovers: leftoversOf({ call, path, host, list: () => list({ notes: "Fail2Ban" }) }),
  };
}

/** What a scope is called in the journal. */
export function placeOf(scope: Pick<Scope, "kind"> & { readonly id?: string }): string {
  return scope.kind === "user" ? "user" : `${scope.kind}:${scope.id}`;
}

type Found = Pick<Extract<Settled, { outcome: unknown }>, "outcome" | "row">;

/** A rule that we knew is not there any more. */
class Gone extends Error {}

function basePath(scope: Scope): string {
  if (scope.kind === "user") return "/user";
  return scope.kind === "account" ? `/accounts/${scope.id}` : `/zones/${scope.id}`;
}

/** The API's word for the scope in a rule. */
function scopeType(scope: Scope): string {
  return scope.kind === "account" ? "organization" : scope.kind;
}

function target({ family, prefix }: Address): "ip" | "ip6" | "ip_range" {
  if (prefix < width(family)) return "ip_range";
  return family === "inet4" ? "ip" : "ip6";
}
