import { Failure } from "../errors.ts";
import type { Answer, Call } from "./client.ts";
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
export type Reach = "edit" | "read" | "none";

/** A permission that a backend needs somewhere. */
export interface Requirement {
  /** As Cloudflare's dashboard has it. */
  readonly permission: string;
  readonly label: string;
  /** Finds out by two calls that change nothing, whoever makes them. Throws when Cloudflare does not say. */
  probe(call: Call): Promise<Reach>;
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
  return grounds.map((ground) => (backend === "list" ? listRequirement(ground) : ruleRequirement(ground)));
}

function ruleRequirement({ kind, id, label }: Ground): Requirement {
  const base = kind === "user" ? "/user" : `/${kind}s/${id}`;
  const rules = `${base}/firewall/access_rules/rules`;
  return {
    permission: kind === "zone" ? permissions.zoneRules : permissions.accountRules,
    label,
    probe: (call) =>
      reach(
        call,
        () => call("GET", rules, { query: { per_page: 5 } }),
        () => `${rules}/${nobodys}`,
      ),
  };
}

function listRequirement({ kind, id, label }: Ground): Requirement {
  const lists = `/accounts/${id}/rules/lists`;
  const rulesets = `/zones/${id}/rulesets`;
  const entrypoint = `${rulesets}/phases/http_request_firewall_custom/entrypoint`;
  // Of the ruleset that is there, where one is: what may be changed depends on its phase.
  const ruleIn = (ruleset: unknown): string => {
    const { id: own } = fieldsOf<"id">(ruleset);
    return `${rulesets}/${typeof own === "string" && isId(own) ? own : nobodys}/rules/${nobodys}`;
  };
  return kind === "zone"
    ? {
        permission: permissions.zoneWaf,
        label,
        probe: (call) => reach(call, () => call("GET", entrypoint), ruleIn),
      }
    : {
        permission: permissions.lists,
        label,
        probe: (call) =>
          reach(
            call,
            () => call("GET", lists),
            () => `${lists}/${nobodys}`,
          ),
      };
}

/** Looks, and then deletes what does not exist: who may delete hears that it is not there, who may not is refused. */
async function reach(
  call: Call,
  look: () => Promise<Answer>,
  absent: (looked: unknown) => string,
): Promise<Reach> {
  const looked = await permitted(look);
  if (looked === null) return "none";
  const path = absent(looked.ok ? looked.result : null);
  return (await permitted(() => call("DELETE", path))) === null ? "read" : "edit";
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
