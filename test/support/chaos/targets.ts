import type { Family } from "../../../src/core/address.ts";

/** Something that fail2ban bans, and what stands for it at the edge: worked out here, without the code under test. */
export interface Target {
  readonly address: string;
  readonly family: Family;
  /** The networks of lengths that access rules take, which together are the address. */
  readonly rules: readonly string[];
  /** The /64 that one IPv6 address stands for where `ipv6_prefix = 64`; null for everything else. */
  readonly wide: string | null;
}

/** Single addresses, networks that one rule takes, and networks that need several; some share a rule. */
export const targets: readonly Target[] = [
  ...numbered(1, 24, (last) => target(`203.0.113.${last}`)),
  ...numbered(1, 4, (last) => target(`198.51.100.${last}`)),
  ...numbered(1, 6, (last) => target(`2001:db8:a::${last}`, { wide: "2001:db8:a::/64" })),
  ...numbered(1, 6, (group) => target(`2001:db8:b:${group}::5`, { wide: `2001:db8:b:${group}::/64` })),
  target("198.51.100.0/24"),
  target("198.51.100.0/30", { rules: numbered(0, 3, (last) => `198.51.100.${last}`) }),
  target("198.51.100.64/29", { rules: numbered(64, 71, (last) => `198.51.100.${last}`) }),
  target("2001:db8:b:1::/64"),
  target("2001:db8:c::/63", { rules: ["2001:db8:c::/64", "2001:db8:c:1::/64"] }),
  target("2001:db8:10::/46", { rules: numbered(10, 13, (group) => `2001:db8:${group}::/48`) }),
];

function target(
  address: string,
  {
    rules = [address],
    wide = null,
  }: { readonly rules?: readonly string[]; readonly wide?: string | null } = {},
): Target {
  return { address, family: address.includes(":") ? "inet6" : "inet4", rules, wide };
}

function numbered<Item>(first: number, last: number, make: (number: number) => Item): Item[] {
  return Array.from({ length: last - first + 1 }, (_, index) => make(first + index));
}
