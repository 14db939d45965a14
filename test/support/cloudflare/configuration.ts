import ipaddr from "ipaddr.js";

/** What an access rule matches. */
export interface Configuration {
  readonly target: "ip" | "ip6" | "ip_range" | "asn" | "country";
  /** IPv6 in eight groups of four digits, as Cloudflare keeps it. */
  readonly value: string;
}

/** The configuration as Cloudflare stores it, or why it takes none such. */
export function readConfiguration(
  target: unknown,
  value: unknown,
): Configuration | { readonly reason: string } {
  const text = typeof value === "string" ? value : "";
  if (target === "asn") {
    return /^AS[0-9]{1,10}$/i.test(text)
      ? { target, value: text.toUpperCase() }
      : { reason: "invalid asn provided" };
  }
  if (target === "country") {
    return /^([A-Z]{2}|T1)$/i.test(text)
      ? { target, value: text.toUpperCase() }
      : { reason: "invalid country provided" };
  }
  if (target !== "ip" && target !== "ip6" && target !== "ip_range") {
    return { reason: `unsupported target received: ${typeof target === "string" ? target : ""}` };
  }
  const network = readNetwork(text);
  const allowed = network !== null && (target === "ip_range" ? isRange(network) : isSingle(network, target));
  return allowed ? { target, value: longForm(network) } : { reason: "invalid ip provided" };
}

/** What a person means by a bare value: the target is taken from its form. */
export function configurationOf(value: string): Configuration {
  const target = /^AS[0-9]/i.test(value)
    ? "asn"
    : /^([A-Z]{2}|T1)$/i.test(value)
      ? "country"
      : value.includes("/")
        ? "ip_range"
        : value.includes(":")
          ? "ip6"
          : "ip";
  const read = readConfiguration(target, value);
  if ("reason" in read) throw new Error(`Cannot plant "${value}": ${read.reason}`);
  return read;
}

/** The address or CIDR in its short form; null for an ASN, a country, or what is not an address. */
export function canonical(value: string): string | null {
  const network = readNetwork(value);
  if (network === null) return null;
  const text = network.ip instanceof ipaddr.IPv6 ? network.ip.toRFC5952String() : network.ip.toString();
  return network.prefix === null ? text : `${text}/${network.prefix}`;
}

interface Network {
  readonly ip: ipaddr.IPv4 | ipaddr.IPv6;
  /** null: a single address, written without a prefix. */
  readonly prefix: number | null;
}

function readNetwork(text: string): Network | null {
  const [, bare, length] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (bare === undefined) return null;
  // ipaddr.js reads "1", "0x7f.1" and "010.0.0.1" too; four plain decimal numbers are what Cloudflare documents.
  if (!bare.includes(":") && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return null;
  if (!ipaddr.isValid(bare)) return null;
  const ip = ipaddr.parse(bare);
  if (length === undefined) return { ip, prefix: null };
  const prefix = Number(length);
  const bytes = ip.toByteArray();
  if (prefix > bytes.length * 8) return null;
  const masked = bytes.map(
    (byte, index) => byte & (0xff << Math.max(0, 8 - Math.max(0, prefix - index * 8))),
  );
  return { ip: ipaddr.fromByteArray(masked.map((byte) => byte & 0xff)), prefix };
}

function isSingle({ ip, prefix }: Network, target: "ip" | "ip6"): boolean {
  return prefix === null && ip.kind() === (target === "ip" ? "ipv4" : "ipv6");
}

function isRange({ ip, prefix }: Network): boolean {
  return prefix !== null && (ip.kind() === "ipv4" ? [16, 24] : [32, 48, 64]).includes(prefix);
}

function longForm({ ip, prefix }: Network): string {
  const groups =
    ip instanceof ipaddr.IPv6 ? ip.parts.map((part) => part.toString(16).padStart(4, "0")) : null;
  const text = groups?.join(":") ?? ip.toString();
  return prefix === null ? text : `${text}/${prefix}`;
}
