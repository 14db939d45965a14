import type { Mode } from "../core/hold.ts";
import { Failure } from "../errors.ts";
import type { Answer, Call } from "./client.ts";
import { fieldsOf } from "./envelope.ts";
import type { NamedZone } from "./zones.ts";

/** The rule that has a zone act on a list. */
export interface ListRule {
  readonly list: string;
  readonly mode: Mode;
}

/** A custom rule of a zone. Whatever else is in it belongs to whoever put it there. */
interface CustomRule {
  readonly id: string;
  readonly action: string;
  readonly expression: string;
  readonly enabled: boolean;
  readonly description: string;
  readonly ref: string;
}

/** The rules of a zone; without a ruleset there is none yet. */
export interface CustomRules {
  readonly ruleset: string | null;
  readonly rules: readonly CustomRule[];
}

/** How a zone acts on a list: "theirs" by somebody else's rule, "changed" by ours, that somebody has changed. */
export type RuleState = "missing" | "changed" | "ours" | "theirs";

/** Where a zone's custom rules are evaluated. */
const phase = "http_request_firewall_custom";

/** There is no entrypoint in a zone that never had a custom rule: 10003, and 10001 in older answers. */
const noEntrypoint = new Set([10003, 10001]);

export async function readRules(call: Call, zone: NamedZone): Promise<CustomRules> {
  const answer = await call("GET", entrypoint(zone));
  if (!answer.ok && answer.status === 404 && answer.codes.some((code) => noEntrypoint.has(code)))
    return { ruleset: null, rules: [] };
  const { id, rules } = fieldsOf<"id" | "rules">(answer.ok ? answer.result : null);
  if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id))
    throw noRules(`read the custom rules of zone ${zone.name}`, answer);
  return {
    ruleset: id,
    rules: (Array.isArray(rules) ? rules : []).map(readRule).filter((rule) => rule !== null),
  };
}

export function stateOf({ rules }: CustomRules, wanted: ListRule): RuleState {
  const own = rules.find((rule) => isOurs(rule, wanted.list));
  const uses = new RegExp(`\\$${wanted.list}(?![a-z0-9_])`);
  const theirs = rules.some(
    ({ enabled, action, expression }) =>
      enabled && action !== "skip" && action !== "log" && uses.test(expression),
  );
  if (own === undefined) return theirs ? "theirs" : "missing";
  const { action, expression, enabled } = definition(wanted);
  return own.action === action && own.expression === expression && own.enabled === enabled
    ? "ours"
    : "changed";
}

export interface PutRuleOptions {
  /** The zone's rules as they were read. */
  readonly found: CustomRules;
  readonly wanted: ListRule;
}

/** Adds our rule behind all others, or sets ours right; no other rule is touched. */
export async function putRule(call: Call, zone: NamedZone, options: PutRuleOptions): Promise<void> {
  const { found, wanted } = options;
  const first = await sendRule(call, zone, options);
  if (first.ok) return;
  // Another server, or a person, may have been faster.
  const now = await readRules(call, zone);
  const state = stateOf(now, wanted);
  if (state === "ours" || state === "theirs") return;
  const idsOf = ({ ruleset, rules }: CustomRules): string =>
    [ruleset, ...rules.map(({ id }) => id)].join(" ");
  const isNews = idsOf(now) !== idsOf(found) || state !== stateOf(found, wanted);
  const answer = isNews ? await sendRule(call, zone, { found: now, wanted }) : first;
  if (!answer.ok) throw noRules(`add the rule of list "${wanted.list}" to zone ${zone.name}`, answer);
}

function sendRule(call: Call, zone: NamedZone, { found, wanted }: PutRuleOptions): Promise<Answer> {
  const own = found.rules.find((rule) => isOurs(rule, wanted.list));
  const body = definition(wanted);
  const rulesets = `/zones/${zone.id}/rulesets`;
  if (found.ruleset === null) {
    // Where there is one meanwhile, this is refused; a PUT of the entrypoint would replace its rules.
    return call("POST", rulesets, { body: { name: "default", kind: "zone", phase, rules: [body] } });
  }
  const rules = `${rulesets}/${found.ruleset}/rules`;
  return own === undefined ? call("POST", rules, { body }) : call("PATCH", `${rules}/${own.id}`, { body });
}

/** Removes every rule of ours for a list; returns how many there were. */
export async function dropRules(call: Call, zone: NamedZone, list: string): Promise<number> {
  const found = await readRules(call, zone);
  const own = found.rules.filter((rule) => isOurs(rule, list));
  for (const { id } of own) {
    const answer = await call("DELETE", `/zones/${zone.id}/rulesets/${found.ruleset}/rules/${id}`);
    if (!answer.ok && answer.status !== 404)
      throw noRules(`remove the rule of list "${list}" from zone ${zone.name}`, answer);
  }
  return own.length;
}

/** What our rule is to be. A PATCH replaces all of it, so all of it is sent. */
function definition({ list, mode }: ListRule) {
  return {
    action: mode,
    expression: `(ip.src in $${list})`,
    description: `fail2ban-cloudflare: list ${list}`,
    enabled: true,
    ref: `fail2ban_cloudflare_${list}`,
  } as const;
}

/** Whatever else somebody has changed in it, a rule of ours has kept one of its two marks. */
function isOurs({ ref, description }: CustomRule, list: string): boolean {
  const ours = definition({ list, mode: "block" });
  return ref === ours.ref || description === ours.description;
}

function readRule(value: unknown): CustomRule | null {
  const rule = fieldsOf<keyof CustomRule>(value);
  if (typeof rule.id !== "string" || !/^[\w-]{1,64}$/.test(rule.id)) return null;
  const text = (field: unknown): string => (typeof field === "string" ? field : "");
  return {
    id: rule.id,
    action: text(rule.action),
    expression: text(rule.expression),
    enabled: rule.enabled !== false,
    description: text(rule.description),
    ref: text(rule.ref),
  };
}

function entrypoint({ id }: NamedZone): string {
  return `/zones/${id}/rulesets/phases/${phase}/entrypoint`;
}

function noRules(what: string, answer: Answer): Failure {
  if (answer.ok)
    return new Failure("unavailable", `Cloudflare answered without a result when asked to ${what}`);
  return new Failure("config", `Cannot ${what}: ${answer.message}`, {
    hint: "mend it, then run: fail2ban-cloudflare sync --provision",
  });
}
