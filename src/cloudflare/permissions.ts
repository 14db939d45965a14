import { Failure } from "../errors.ts";
import type { Answer, Call, CallOptions } from "./client.ts";
import { fieldsOf } from "./envelope.ts";
import { isId } from "./zones.ts";

/** What blocks at the edge. */
export const backends = ["access-rules", "list"] as const;
export type Backend = (typeof backends)[number];

export function isBackend(text: string): text is Backend {
  return backends.some((backend) => backend === text);
}

/** Where it blocks: a list is the account's, and its rule stands in each zone. */
export interface Ground {
  readonly kind: "user" | "account" | "zone";
  readonly id: string;
  /** For people, as "zone example.com". */
  readonly label: string;
}

/** How far a permission goes: to change, to look only, or nowhere. */
export type Right = "edit" | "read" | "none";

/** A permission that a backend needs somewhere. */
export interface Requirement {
  /** As Cloudflare's dashboard has it. */
  readonly permission: string;
  readonly label: string;
  /** Finds out by two calls that change nothing, whoever makes them. Throws when Cloudflare does not say. */
  probe(call: Call): Promise<Right>;
}

export const permissions = {
  zones: "Zone → Zone → Read",
  zoneRules: "Zone → Firewall Services → Edit",
  accountRules: "Account → Account Firewall Access Rules → Edit",
  lists: "Account → Account Filter Lists → Edit",
  zoneWaf: "Zone → Zone WAF → Edit",
} as const;

/** An id as Cloudflare's are, and nothing's. */
const nobodys = "0".repeat(32);

/** All that a backend needs where it blocks, besides Zone Read where zones are named by their names. */
export function requirements(backend: Backend, grounds: readonly Ground[]): readonly Requirement[] {
  return grounds.map((ground) => {
    if (backend === "access-rules") return forRules(ground);
    return ground.kind === "zone" ? forListRule(ground) : forList(ground);
  });
}

function forRules({ kind, id, label }: Ground): Requirement {
  const rules = `${kind === "user" ? "/user" : `/${kind}s/${id}`}/firewall/access_rules/rules`;
  const permission = kind === "zone" ? permissions.zoneRules : permissions.accountRules;
  const look = { query: { per_page: 5 } };
  return {
    permission,
    label,
    probe: (call) => rightBy(call, rules, { look, absent: () => `${rules}/${nobodys}` }),
  };
}

function forList({ id, label }: Ground): Requirement {
  const lists = `/accounts/${id}/rules/lists`;
  const absent = (): string => `${lists}/${nobodys}`;
  return { permission: permissions.lists, label, probe: (call) => rightBy(call, lists, { absent }) };
}

function forListRule({ id, label }: Ground): Requirement {
  const rulesets = `/zones/${id}/rulesets`;
  // Of the ruleset that is there, where one is: what may be changed depends on its phase.
  const absent = (ruleset: unknown): string => {
    const { id: own } = fieldsOf<"id">(ruleset);
    return `${rulesets}/${typeof own === "string" && isId(own) ? own : nobodys}/rules/${nobodys}`;
  };
  const entrypoint = `${rulesets}/phases/http_request_firewall_custom/entrypoint`;
  return { permission: permissions.zoneWaf, label, probe: (call) => rightBy(call, entrypoint, { absent }) };
}

interface Probe {
  readonly look?: CallOptions;
  /** What does not exist, by what was found when looking. */
  absent(looked: unknown): string;
}

/** Looks, and then deletes what does not exist: who may delete hears that it is not there, who may not is refused. */
async function rightBy(call: Call, path: string, { look = {}, absent }: Probe): Promise<Right> {
  const looked = await permitted(() => call("GET", path, look));
  if (looked === null) return "none";
  const nothing = absent(looked.ok ? looked.result : null);
  return (await permitted(() => call("DELETE", nothing))) === null ? "read" : "edit";
}

/** The answer; null when the credential may not ask. */
async function permitted(ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Failure && error.kind === "rejected") return null;
    throw error;
  }
}
