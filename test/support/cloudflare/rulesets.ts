import type { Answer } from "./answer.ts";
import { jsonBody, refusal, success } from "./answer.ts";
import type { Route } from "./routes.ts";
import type { Definition, Position, Ruleset, RulesetStore } from "./ruleset-store.ts";

/** Where a zone's custom rules are evaluated. */
export const customRulesPhase = "http_request_firewall_custom";

const actions = ["block", "challenge", "js_challenge", "managed_challenge", "skip", "log"];
const rulesets = "/zones/:zone/rulesets";
const entrypoint = `${rulesets}/phases/:phase/entrypoint`;

/** Whether the account of a zone has a list of this name. */
export type HasList = (zone: string, list: string) => boolean;

/** A zone's custom rules. */
export function rulesetRoutes(store: RulesetStore, hasList: HasList): Route[] {
  const route = (method: string, path: string, answer: Route["answer"]): Route => ({
    method,
    path,
    needs: [`Zone WAF ${method === "GET" ? "Read" : "Write"}`],
    answer,
  });
  const objection = (zone: string, value: unknown, count: number): Answer | null => {
    if (count > store.mostRules)
      return refusal(400, { code: 20217, message: "exceeded maximum number of rules in the phase" });
    const rule = Object(value) as Record<string, unknown>;
    if (typeof rule["action"] !== "string" || !actions.includes(rule["action"]))
      return invalidRule("action", "the rule has no known action");
    if (typeof rule["expression"] !== "string" || rule["expression"] === "")
      return invalidRule("expression", "the rule has no expression");
    const missing = listsIn(rule["expression"]).find((name) => !hasList(zone, name));
    return missing === undefined ? null : invalidRule("expression", `there is no list "${missing}"`);
  };

  return [
    route("GET", entrypoint, (_, { zone = "", phase = "" }) => {
      const found = store.entrypoint(zone, phase);
      if (found !== null) return success(found);
      const message = `could not find entrypoint ruleset in the ${phase} phase`;
      return refusal(404, { code: 10003, message });
    }),
    route("POST", rulesets, ({ body }, { zone = "" }) => {
      const { kind, phase, rules = [] } = Object(jsonBody(body)) as Record<string, unknown>;
      if (kind !== "zone" || typeof phase !== "string" || !Array.isArray(rules))
        return refusal(400, { message: "no ruleset that can be made here" });
      if (store.entrypoint(zone, phase) !== null) return anotherRuleset(phase);
      const objections = rules.map((rule) => objection(zone, rule, rules.length));
      return objections.find((each) => each !== null) ?? success(store.put(zone, phase, rules));
    }),
    route("PUT", entrypoint, ({ body }, { zone = "", phase = "" }) => {
      const { rules = [] } = Object(jsonBody(body)) as { rules?: unknown };
      if (!Array.isArray(rules)) return refusal(400, { message: "rules is no array" });
      const objections = rules.map((rule) => objection(zone, rule, rules.length));
      return objections.find((each) => each !== null) ?? success(store.put(zone, phase, rules));
    }),
    route("POST", `${rulesets}/:ruleset/rules`, ({ body }, { zone = "", ruleset = "" }) => {
      const rule = jsonBody(body);
      const count = (store.find(zone, ruleset)?.rules.length ?? 0) + 1;
      const position = positionIn(rule) ?? {};
      return objection(zone, rule, count) ?? found(store.add(zone, ruleset, rule as Definition, position));
    }),
    route("PATCH", `${rulesets}/:ruleset/rules/:rule`, ({ body }, { zone = "", ruleset = "", rule = "" }) => {
      const sent = jsonBody(body);
      const position = positionIn(sent);
      const moves = position !== null && Object.keys(Object(sent)).every((key) => key === "position");
      const refused = moves ? null : objection(zone, sent, 0);
      const definition = moves ? null : (sent as Definition);
      return refused ?? found(store.edit(zone, { ruleset, rule }, definition, position));
    }),
    route("DELETE", `${rulesets}/:ruleset/rules/:rule`, (_, { zone = "", ruleset = "", rule = "" }) =>
      found(store.remove(zone, { ruleset, rule })),
    ),
  ];
}

/** The names of the lists that an expression refers to. */
export function listsIn(expression: string): string[] {
  return [...expression.matchAll(/\$([a-z0-9_]+)/g)].map(([, name = ""]) => name);
}

function positionIn(rule: unknown): Position | null {
  const { position } = Object(rule) as { position?: Position };
  return position ?? null;
}

function found(ruleset: Ruleset | null): Answer {
  return ruleset === null
    ? refusal(404, { code: 10001, message: "could not find ruleset or rule" })
    : success(ruleset);
}

/** Seen in github.com/userbradley/documentation.breadnet.co.uk, issue 609. */
function anotherRuleset(phase: string): Answer {
  const reason = `exceeded maximum number of zone rulesets for phase ${phase}`;
  const message = `'zone' is not a valid value for kind because ${reason}`;
  return refusal(400, { code: 20217, message, source: { pointer: "/kind" } });
}

function invalidRule(field: string, message: string): Answer {
  return refusal(400, { message, source: { pointer: `/${field}` } });
}
