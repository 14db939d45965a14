import type { Answer, ApiRequest } from "./answer.ts";
import { jsonBody, pageOf, refusal, success } from "./answer.ts";
import { readConfiguration } from "./configuration.ts";
import type { Permission } from "./credentials.ts";
import { notPermitted } from "./credentials.ts";
import type { Ids, Route } from "./routes.ts";
import type { FilterQuirks } from "./rule-filter.ts";
import { selected } from "./rule-filter.ts";
import type { AccessRule, Mode, RuleStore, Scope } from "./rule-store.ts";
import { modes } from "./rule-store.ts";

/** What is unverified about Cloudflare, and so for the test to choose. */
export interface AccessRuleQuirks extends FilterQuirks {
  /** Whether the list of a zone also has the rules of its account and of the user. */
  readonly zoneListsInheritedRules: boolean;
  /** Whether a token may use the user's own rules, and not the Global API Key alone. */
  readonly userScopeTakesTokens: boolean;
}

interface Place {
  readonly prefix: string;
  readonly permission: "Firewall Services" | "Account Firewall Access Rules";
  readonly scope: (ids: Ids) => Scope;
}

const places: readonly Place[] = [
  { prefix: "/user", permission: "Account Firewall Access Rules", scope: () => ({ type: "user" }) },
  {
    prefix: "/accounts/:account",
    permission: "Account Firewall Access Rules",
    scope: ({ account = "" }) => ({ type: "account", id: account }),
  },
  {
    prefix: "/zones/:zone",
    permission: "Firewall Services",
    scope: ({ zone = "" }) => ({ type: "zone", id: zone }),
  },
];

/** IP access rules of the user, of accounts and of zones. */
export function accessRuleRoutes(
  store: RuleStore,
  quirks: AccessRuleQuirks,
  inherited: (scope: Scope) => readonly Scope[],
): Route[] {
  const listed = (scope: Scope) =>
    [scope, ...(quirks.zoneListsInheritedRules ? inherited(scope) : [])].flatMap((each) => store.rules(each));
  const answers: readonly [string, string, (scope: Scope, request: ApiRequest, id: string) => Answer][] = [
    ["GET", "", (scope, request) => list(listed(scope), request.query, quirks)],
    ["POST", "", (scope, request) => create(store, scope, request.body)],
    ["GET", "/:rule", (scope, _, id) => found(store.find(scope, id))],
    ["PATCH", "/:rule", (scope, request, id) => edit(store, { scope, id, body: request.body })],
    // A rule that is gone is no error here; the answer then has no result.
    ["DELETE", "/:rule", (scope, _, id) => success(store.remove(id, scope) ? { id } : null)],
  ];
  return places.flatMap(({ prefix, permission, scope }) =>
    answers.map(([method, suffix, answer]): Route => ({
      method,
      path: `${prefix}/firewall/access_rules/rules${suffix}`,
      needs: [`${permission} ${method === "GET" ? "Read" : "Write"}` satisfies Permission],
      answer: (request, ids, caller) =>
        prefix === "/user" && caller !== "key" && !quirks.userScopeTakesTokens
          ? notPermitted()
          : answer(scope(ids), request, ids["rule"] ?? ""),
    })),
  );
}

function list(rules: readonly AccessRule[], query: URLSearchParams, quirks: AccessRuleQuirks): Answer {
  const mode = query.get("mode");
  if (mode !== null && !isMode(mode)) return invalid(`invalid mode received: ${mode}`);
  return pageOf(selected(rules, query, quirks).map(shown), query, { min: 1, max: 100 });
}

function create(store: RuleStore, scope: Scope, body: string): Answer {
  const sent = readBody(body);
  if (sent === null) return notJson();
  const { mode, notes = "" } = sent;
  const wanted = Object(sent["configuration"]) as Record<string, unknown>;
  const configuration = readConfiguration(wanted["target"], wanted["value"]);
  const reasons = [
    ...("reason" in configuration ? [configuration.reason] : []),
    ...(isMode(mode) ? [] : [`invalid mode received: ${typeof mode === "string" ? mode : ""}`]),
  ];
  if ("reason" in configuration || !isMode(mode)) return invalid(...reasons);
  const rule = store.add(scope, { mode, notes: String(notes), configuration });
  return rule === null
    ? refusal(400, { code: 10009, message: "firewallaccessrules.api.duplicate_of_existing" })
    : success(shown(rule));
}

/** Takes mode and notes; a configuration is passed over, as it cannot be changed. */
function edit(store: RuleStore, { scope, id, body }: { scope: Scope; id: string; body: string }): Answer {
  const sent = readBody(body);
  if (sent === null) return notJson();
  const { mode, notes } = sent;
  if (mode !== undefined && !isMode(mode)) return invalid(`invalid mode received: ${String(mode)}`);
  const change = { ...(mode === undefined ? {} : { mode }), ...(typeof notes === "string" ? { notes } : {}) };
  return found(store.change(scope, id, change));
}

function found(rule: AccessRule | undefined): Answer {
  return rule === undefined
    ? refusal(404, { code: 10001, message: "firewallaccessrules.api.not_found" })
    : success(shown(rule));
}

/** Nobody has quoted the code of a validation error, so a client must do without one. */
function invalid(...reasons: readonly string[]): Answer {
  return refusal(400, { message: `firewallaccessrules.api.validation_error:${reasons.join(",")}` });
}

function notJson(): Answer {
  return refusal(400, { code: 6007, message: "Malformed JSON in request body" });
}

function shown(rule: AccessRule): object {
  const { id, mode, configuration, scope, created_on, modified_on } = rule;
  return {
    id,
    mode,
    allowed_modes: modes,
    notes: escaped(rule.notes),
    configuration,
    scope,
    created_on,
    modified_on,
  };
}

function escaped(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&#34;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

function isMode(value: unknown): value is Mode {
  return modes.some((mode) => mode === value);
}

function readBody(text: string): Record<string, unknown> | null {
  const body = jsonBody(text);
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : null;
}
