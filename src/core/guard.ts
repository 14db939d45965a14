import type { Address } from "./address.ts";
import { overlaps, readAddress } from "./address.ts";
import { Failure } from "../errors.ts";

/**
 * Cloudflare's own ranges as of 2026-09-21 (etag 38f79d050aa027e3be3865e495dcc9bc); couriers ask for those since.
 * Source: https://api.cloudflare.com/client/v4/ips.
 */
export const cloudflareRanges: readonly string[] = [
  "173.245.48.0/20",
  "103.21.244.0/22",
  "103.22.200.0/22",
  "103.31.4.0/22",
  "141.101.64.0/18",
  "108.162.192.0/18",
  "190.93.240.0/20",
  "188.114.96.0/20",
  "197.234.240.0/22",
  "198.41.128.0/17",
  "162.158.0.0/15",
  "104.16.0.0/13",
  "104.24.0.0/14",
  "172.64.0.0/13",
  "131.0.72.0/22",
  "2400:cb00::/32",
  "2606:4700::/32",
  "2803:f800::/32",
  "2405:b500::/32",
  "2405:8100::/32",
  "2a06:98c0::/29",
  "2c0f:f248::/32",
];

/** Ranges that no visitor from the Internet has. Source: IANA's special-purpose registries. */
const neverVisitors: readonly (readonly [range: string, name: string])[] = [
  ["0.0.0.0/8", "this network"],
  ["10.0.0.0/8", "a private network"],
  ["100.64.0.0/10", "a carrier's private network"],
  ["127.0.0.0/8", "the loopback"],
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "a private network"],
  ["192.168.0.0/16", "a private network"],
  ["224.0.0.0/4", "multicast"],
  // Cloudflare's Pseudo IPv4 puts these in place of an IPv6 visitor's address.
  ["240.0.0.0/4", "reserved, and used by Cloudflare's Pseudo IPv4"],
  ["::/128", "unspecified"],
  ["::1/128", "the loopback"],
  ["fc00::/7", "a private network"],
  ["fe80::/10", "link-local"],
  ["ff00::/8", "multicast"],
];

export interface Guard {
  /** Addresses of this machine. */
  readonly own: readonly string[];
  /** `ignore` of the configuration. */
  readonly ignore: readonly Address[];
  /** Cloudflare's own ranges; default: those built in. */
  readonly cloudflare?: readonly string[];
}

/** The `ignore` entry that the address falls into, if any: a wish of the administrator, no mistake. */
export function ignoredBy(address: Address, { ignore }: Guard): Address | undefined {
  return ignore.find((entry) => overlaps(address, entry));
}

/** Throws a usage failure when blocking the address would hurt the site itself. */
export function refuseUnsafe(address: Address, guard: Guard): void {
  /** The first range that overlaps the address, in canonical form. */
  const hit = (ranges: readonly string[]): string | undefined => {
    const near = ranges.filter((range) => mayOverlap(address, range)).map(readAddress);
    return near.find((range) => range !== null && overlaps(address, range))?.text;
  };
  const edge = hit(guard.cloudflare ?? cloudflareRanges);
  if (edge !== undefined) {
    throw new Failure(
      "usage",
      `Refused to ban "${address.text}": it overlaps ${edge} of Cloudflare, so nginx does not restore the visitor's address`,
      {
        hint: `see: fail2ban-cloudflare realip ${cloudflareRanges.includes(edge) ? "--check" : "--refresh"}`,
      },
    );
  }
  const own = hit(guard.own);
  if (own !== undefined) {
    throw new Failure("usage", `Refused to ban "${address.text}": ${own} is this machine's own address`, {
      hint: "add it to fail2ban's ignoreip",
    });
  }
  const special = neverVisitors.find(([range]) => hit([range]) !== undefined);
  if (special !== undefined) {
    throw new Failure(
      "usage",
      `Refused to ban "${address.text}": it overlaps ${special[0]} (${special[1]}), which no visitor has`,
      { hint: "check set_real_ip_from and real_ip_header in nginx, or add it to fail2ban's ignoreip" },
    );
  }
}

/**
 * Whether the first number of the two leaves the question open; to read every range would take longer than all the
 * rest of a hook.
 */
function mayOverlap({ text, family, prefix }: Address, range: string): boolean {
  // What looks like the other family is none of this one, but for an IPv4 address written as IPv6.
  if (range.includes(":") !== (family === "inet6")) return range.includes(":") && range.includes(".");
  const [radix, bits] = family === "inet4" ? ([10, 8] as const) : ([16, 16] as const);
  const common = Math.min(bits, prefix, Number(range.split("/")[1] ?? bits));
  const first = (of: string): number => Number.parseInt(of, radix) || 0;
  return (first(text) ^ first(range)) >> (bits - common) === 0;
}
