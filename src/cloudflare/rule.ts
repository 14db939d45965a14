import type { Address } from "../core/address.ts";
import { readAddress } from "../core/address.ts";
import { isMode } from "../core/hold.ts";
import { isOurMark } from "../core/mark.ts";
import type { EdgeRow } from "../core/ports.ts";
import { fieldsOf } from "./envelope.ts";

/** An IP access rule. Source: Cloudflare's OpenAPI document, `firewall_rule`; @cloudflare/types has none. */
export interface AccessRule {
  readonly id: string;
  readonly mode: string;
  readonly notes: string;
  readonly value: string;
  /** "zone", "organization" or "user"; null when the answer does not say. */
  readonly scopeType: string | null;
}

/** The rule in an answer; null for anything that is none. */
export function readRule(value: unknown): AccessRule | null {
  const { id, mode, notes, configuration, scope } = fieldsOf<
    "id" | "mode" | "notes" | "configuration" | "scope"
  >(value);
  const { value: network } = fieldsOf<"value">(configuration);
  const { type } = fieldsOf<"type">(scope);
  // The id becomes part of a path.
  if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id) || typeof network !== "string") return null;
  return {
    id,
    mode: typeof mode === "string" ? mode : "",
    notes: typeof notes === "string" ? notes : "",
    value: network,
    scopeType: typeof type === "string" ? type : null,
  };
}

/** Whether the rule is for exactly this network, however either is written. */
export function isFor(rule: AccessRule, network: Address): boolean {
  return readAddress(rule.value)?.text === network.text;
}

/** What the journal is to know of the rule. We never set "whitelist": who has, has taken the rule over. */
export function rowOf(rule: AccessRule, network: Address, host: string): Omit<EdgeRow, "place"> {
  const mode = rule.mode === "whitelist" || isMode(rule.mode) ? rule.mode : null;
  return {
    network: network.text,
    id: rule.id,
    mode,
    owned: mode !== "whitelist" && isOurMark(rule.notes, host),
  };
}
