import type { Address } from "./address.ts";
import { fromBytes, toBytes, width } from "./address.ts";

/** Which lengths of network the edge can block, shortest first. */
export interface Reach {
  readonly inet4: readonly number[];
  readonly inet6: readonly number[];
}

/**
 * What IP access rules take: single addresses, /16 and /24, /32, /48 and /64.
 * Source: Cloudflare's OpenAPI document, `firewall_cidr_configuration`.
 */
export const accessRuleReach: Reach = { inet4: [16, 24, 32], inet6: [32, 48, 64, 128] };

/** What IP lists take. Source: developers.cloudflare.com/waf/tools/lists/custom-lists, since 2025-07-08. */
export const listReach: Reach = { inet4: lengths(8, 32), inet6: lengths(12, 128) };

/** More rules than this for one ban would eat the account's quota of 50,000; a list takes any network as it is. */
export const mostNetworks = 256;

/** The networks that together are exactly `address`; null when that takes more than `mostNetworks`. */
export function cover(address: Address, reach: Reach): readonly Address[] | null {
  const prefix = reach[address.family].find((length) => length >= address.prefix);
  if (prefix === undefined || prefix - address.prefix > Math.log2(mostNetworks)) return null;
  const base = toBytes(address);
  return Array.from({ length: 2 ** (prefix - address.prefix) }, (_, index) => nth(base, prefix, index));
}

/** Whether the edge can block the network as it is. */
export function reaches(reach: Reach, { family, prefix }: Address): boolean {
  return reach[family].includes(prefix);
}

/** The network that stands for an attacker: an IPv6 address widened to `prefix` bits, anything else as it is. */
export function widen(address: Address, prefix: number): Address {
  if (address.family === "inet4" || address.prefix <= prefix) return address;
  return fromBytes(toBytes(address), prefix) ?? address;
}

function lengths(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** The network of `prefix` bits that comes `index` networks after `base`. */
function nth(base: readonly number[], prefix: number, index: number): Address {
  const bits = base.length * 8;
  const value = base.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const moved = value + (BigInt(index) << BigInt(bits - prefix));
  const bytes = base.map((_, at) => Number((moved >> BigInt(bits - 8 - at * 8)) & 0xffn));
  const network = fromBytes(bytes, prefix);
  if (network === null) throw new RangeError(`No network of ${prefix} bits in ${width("inet6")}`);
  return network;
}
