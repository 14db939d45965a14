import { canonical } from "./configuration.ts";
import type { AccessRule } from "./rule-store.ts";

export interface FilterQuirks {
  /** Whether an expanded IPv6 address is found by its short form; unverified of Cloudflare. */
  readonly filterMatchesCompressedIpv6: boolean;
}

/** The rules that the query's filters select, in the order that it asks for. */
export function selected(
  rules: readonly AccessRule[],
  query: URLSearchParams,
  quirks: FilterQuirks,
): readonly AccessRule[] {
  // Cloudflare takes the older spelling with an underscore too.
  const get = (name: string) => query.get(name) ?? query.get(name.replace(".", "_"));
  const target = get("configuration.target");
  const value = get("configuration.value");
  const notes = get("notes");
  const mode = get("mode");
  const filters: ((rule: AccessRule) => boolean)[] = [];
  if (target !== null) filters.push((rule) => rule.configuration.target === target);
  if (value !== null) filters.push((rule) => valueMatches(rule.configuration.value, value, quirks));
  if (notes !== null) filters.push((rule) => rule.notes.toLowerCase().includes(notes.toLowerCase()));
  if (mode !== null) filters.push((rule) => rule.mode === mode);
  const how = get("match") === "any" && filters.length > 0 ? "some" : "every";
  const kept = rules.filter((rule) => filters[how]((filter) => filter(rule)));
  return sorted(kept, get("order"), get("direction"));
}

function valueMatches(stored: string, wanted: string, quirks: FilterQuirks): boolean {
  if (stored.toLowerCase() === wanted.toLowerCase()) return true;
  const short = canonical(stored);
  return quirks.filterMatchesCompressedIpv6 && short !== null && short === canonical(wanted);
}

function sorted(
  rules: readonly AccessRule[],
  order: string | null,
  direction: string | null,
): readonly AccessRule[] {
  if (order === null) return rules;
  const key = ({ mode, configuration: { target, value } }: AccessRule) =>
    order === "mode" ? mode : order === "configuration.target" ? target : value;
  const sign = direction === "desc" ? -1 : 1;
  return rules.toSorted((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
