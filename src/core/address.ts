import ipaddr from "ipaddr.js";
import { Failure } from "../errors.ts";
import { quoted } from "./text.ts";

export type Family = "inet4" | "inet6";

/** An IP address or network in canonical form: host bits cleared, IPv6 compressed, no "/32" or "/128". */
export interface Address {
  readonly text: string;
  readonly family: Family;
  /** Length of the network part in bits; 32 or 128 for a single address. */
  readonly prefix: number;
}

/** Bits of a whole address. */
export function width(family: Family): 32 | 128 {
  return family === "inet4" ? 32 : 128;
}

/** Reads an address or CIDR as fail2ban or a person writes it; throws a usage failure for anything else. */
export function parseAddress(text: string): Address {
  const address = readAddress(text);
  if (address === null) {
    throw new Failure(
      "usage",
      `Cannot read address ${quoted(text)}: not an IPv4 or IPv6 address or network`,
      {
        hint: "names are not looked up; write 203.0.113.7, 2001:db8::7 or 203.0.113.0/24",
      },
    );
  }
  return address;
}

/** Like `parseAddress`, null in place of a failure. */
export function readAddress(text: string): Address | null {
  const match = /^([0-9A-Fa-f:.]{2,45})(?:\/([0-9]{1,3}))?$/.exec(text);
  const bare = match?.[1] === undefined ? null : undotted(match[1]);
  if (bare === null || !ipaddr.isValid(bare)) return null;
  let ip = ipaddr.parse(bare);
  let prefix = match?.[2] === undefined ? ip.toByteArray().length * 8 : Number(match[2]);
  if (ip instanceof ipaddr.IPv6 && ip.isIPv4MappedAddress() && prefix >= 96) {
    ip = ip.toIPv4Address();
    prefix -= 96;
  }
  return fromBytes(ip.toByteArray(), prefix);
}

/**
 * The address with an IPv4 part at the end of IPv6 written in hexadecimal; null when the dotted part is not four
 * plain numbers. ipaddr.js also takes "1", "0x7f.1" and octal "010.1.2.3", and reads "::1.2.3.4" as IPv4-mapped;
 * fail2ban and Cloudflare do not.
 */
function undotted(bare: string): string | null {
  const [dotted = ""] = /[^:]*$/.exec(bare) ?? [];
  if (bare.includes(":") && !dotted.includes(".")) return bare;
  if (!/^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}$/.test(dotted)) return null;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
  if (Math.max(a, b, c, d) > 255) return null;
  if (!bare.includes(":")) return bare;
  return `${bare.slice(0, -dotted.length)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** The network of `prefix` bits around the address of `bytes`; null when it has no such length. */
export function fromBytes(bytes: readonly number[], prefix: number): Address | null {
  const bits = bytes.length * 8;
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > bits) return null;
  const masked = bytes.map((byte, index) => byte & maskByte(prefix - index * 8));
  const base = ipaddr.fromByteArray(masked);
  const text = base instanceof ipaddr.IPv6 ? base.toRFC5952String() : base.toString();
  return {
    text: prefix === bits ? text : `${text}/${prefix}`,
    family: bits === 32 ? "inet4" : "inet6",
    prefix,
  };
}

/** The address's bytes, 4 or 16 of them, host bits zero. */
export function toBytes({ text }: Address): number[] {
  return ipaddr.parse(text.split("/")[0] ?? "").toByteArray();
}

/** Whether the two share at least one address. */
export function overlaps(a: Address, b: Address): boolean {
  if (a.family !== b.family) return false;
  const prefix = Math.min(a.prefix, b.prefix);
  return fromBytes(toBytes(a), prefix)?.text === fromBytes(toBytes(b), prefix)?.text;
}

/** An IPv6 address as eight groups of four digits, the form in which access rules hold it; IPv4 as it is. */
export function expanded(address: Address): string {
  if (address.family === "inet4") return address.text;
  const [bare = "", prefix] = address.text.split("/");
  const groups = ipaddr.IPv6.parse(bare).toNormalizedString().split(":");
  const long = groups.map((group) => group.padStart(4, "0")).join(":");
  return prefix === undefined ? long : `${long}/${prefix}`;
}

function maskByte(bitsLeft: number): number {
  if (bitsLeft >= 8) return 0xff;
  return bitsLeft <= 0 ? 0 : (0xff << (8 - bitsLeft)) & 0xff;
}
