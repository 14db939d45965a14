import { Failure } from "../errors.ts";
import { bytesOfIpv6, textOfIpv6 } from "./ipv6.ts";
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
  const bytes = match?.[1] === undefined ? null : bytesOf(match[1]);
  if (bytes === null) return null;
  const prefix = match?.[2] === undefined ? bytes.length * 8 : Number(match[2]);
  return prefix >= 96 && isMapped(bytes) ? fromBytes(bytes.slice(12), prefix - 96) : fromBytes(bytes, prefix);
}

/** Whether it is of ::ffff:0:0/96, IPv4 written as IPv6. */
function isMapped(bytes: readonly number[]): boolean {
  return bytes.length === 16 && bytes.slice(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
}

function bytesOf(bare: string): readonly number[] | null {
  if (!bare.includes(":")) return fourNumbers(bare);
  const hexadecimal = undotted(bare);
  return hexadecimal === null ? null : bytesOfIpv6(hexadecimal);
}

/**
 * IPv6 with an IPv4 part at its end written in hexadecimal; null when that part is not four plain numbers: neither
 * fail2ban nor Cloudflare takes "0x7f.1" or octal "010.1.2.3".
 */
function undotted(bare: string): string | null {
  const [dotted = ""] = /[^:]*$/.exec(bare) ?? [];
  if (!dotted.includes(".")) return bare;
  const numbers = fourNumbers(dotted);
  if (numbers === null) return null;
  const [a = 0, b = 0, c = 0, d = 0] = numbers;
  return `${bare.slice(0, -dotted.length)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function fourNumbers(dotted: string): readonly number[] | null {
  if (!/^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}$/.test(dotted)) return null;
  const numbers = dotted.split(".").map(Number);
  return Math.max(...numbers) > 255 ? null : numbers;
}

/** The network of `prefix` bits around the address of `bytes`; null when it has no such length. */
export function fromBytes(bytes: readonly number[], prefix: number): Address | null {
  const bits = bytes.length * 8;
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > bits) return null;
  const masked = bytes.map((byte, index) => byte & maskByte(prefix - index * 8));
  const text = bits === 32 ? masked.join(".") : textOfIpv6(masked);
  return {
    text: prefix === bits ? text : `${text}/${prefix}`,
    family: bits === 32 ? "inet4" : "inet6",
    prefix,
  };
}

/** The address's bytes, 4 or 16 of them, host bits zero. */
export function toBytes({ text }: Address): readonly number[] {
  return bytesOf(text.split("/")[0] ?? "") ?? [];
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
  const digits = toBytes(address).map((byte) => byte.toString(16).padStart(2, "0"));
  const long = digits.join("").replace(/.{4}(?=.)/g, "$&:");
  return address.prefix === 128 ? long : `${long}/${address.prefix}`;
}

function maskByte(bitsLeft: number): number {
  if (bitsLeft >= 8) return 0xff;
  return bitsLeft <= 0 ? 0 : (0xff << (8 - bitsLeft)) & 0xff;
}
