import { expanded } from "../core/address.ts";
import type { Address } from "../core/address.ts";
import { plainHost } from "../core/mark.ts";
import { Failure } from "../errors.ts";
import type { Answer, Call } from "./client.ts";
import { isFor, readRule } from "./rule.ts";
import type { AccessRule } from "./rule.ts";

/** Rules of a page. Source: cloudflare-go's firewall.go names 100 as the API's maximum. */
const perPage = 100;

/** An account has at most 50,000 rules; more pages than that is no answer. */
const mostPages = 500;

const notFound = 10001;

export interface RuleReaderOptions {
  readonly call: Call;
  /** Where the rules of the scope are. */
  readonly path: string;
  /** The API's word for the scope in a rule. */
  readonly scopeType: string;
  readonly host: string;
}

/** A rule by its id, as it is now; null: it is gone. */
export type ReadRule = (id: string) => Promise<AccessRule | null>;

export interface RuleReader {
  /** All that carries our host's name in its notes, all that fail2ban's own actions may have made, or all that there is. */
  list(which: "ours" | "stock" | "all"): AsyncIterable<AccessRule>;
  /** The rule for exactly this network, null for none; of IPv6, one that is not ours may not be found. */
  find(network: Address): Promise<AccessRule | null>;
  read: ReadRule;
  /** Reads so many rules: each by itself, or from the list of ours where its pages are fewer. */
  readSome(count: number): ReadRule;
}

/** Reads the access rules of a scope. Every filter is checked again: the API is known to ignore some. */
export function ruleReader({ call, path, scopeType, host }: RuleReaderOptions): RuleReader {
  /** A filter for our own rules: a substring of their notes. */
  const ours = { notes: `host:${plainHost(host)}` };

  /** The rules that a filter finds; only the first page where there are more pages than are wanted. */
  async function* list(filter: Record<string, string>, wantedPages = mostPages): AsyncGenerator<AccessRule> {
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const answer = await call("GET", path, { query: { ...filter, page, per_page: perPage } });
      if (!answer.ok || !Array.isArray(answer.result) || page > mostPages)
        throw refusal("list access rules", answer);
      if (answer.result.length === 0) return;
      pages = answer.totalPages;
      const rules = answer.result.map(readRule).filter((rule) => rule !== null);
      // The list of a zone may show rules of its account and user too.
      yield* rules.filter((rule) => (rule.scopeType ?? scopeType) === scopeType);
      if (pages > wantedPages) return;
    }
  }

  async function read(id: string): Promise<AccessRule | null> {
    const answer = await call("GET", `${path}/${id}`);
    const rule = ruleIn(answer);
    if (rule === null && (answer.ok || !isGone(answer))) throw refusal("read an access rule", answer);
    return rule;
  }

  return {
    list: (which) => list({ ours, stock: { notes: "Fail2Ban" }, all: {} }[which]),
    read,
    async find(network) {
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
    },
    readSome(count) {
      let listed: Promise<ReadonlyMap<string, AccessRule>> | null = null;
      const listOurs = async (): Promise<ReadonlyMap<string, AccessRule>> => {
        const rules = await Array.fromAsync(list(ours, count));
        return new Map(rules.map((rule) => [rule.id, rule]));
      };
      return async (id) => {
        if (count === 1) return read(id);
        listed ??= listOurs();
        return (await listed).get(id) ?? read(id);
      };
    },
  };
}

/** The rule in an answer; null for anything else. */
export function ruleIn(answer: Answer): AccessRule | null {
  return answer.ok ? readRule(answer.result) : null;
}

/** Whether an answer says that there is no such rule any more. */
export function isGone(answer: Answer): boolean {
  return answer.ok ? answer.result === null : answer.status === 404 || answer.codes.includes(notFound);
}

/** Why something was not done: Cloudflare will not, or has not said. */
export function refusal(what: string, answer: Answer): Failure {
  if (answer.ok)
    return new Failure("unavailable", `Cloudflare answered without a result when asked to ${what}`);
  return new Failure("refused", `Cloudflare refuses to ${what}: ${answer.message}`);
}
