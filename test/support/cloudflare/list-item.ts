import ipaddr from "ipaddr.js";
import { canonical } from "./configuration.ts";

/** An item of an IP list. */
export interface ListItem {
  readonly id: string;
  /** IPv6 in its short form, host bits cleared, no "/32" and no "/128", as Cloudflare keeps it. */
  readonly ip: string;
  /** As it was sent: unlike notes of access rules, it is not escaped. */
  readonly comment: string;
  readonly created_on: string;
  readonly modified_on: string;
}

/** Shortest and longest network that a list takes. */
const lengths = { ipv4: [8, 32], ipv6: [12, 128] } as const;

/** The address or network as Cloudflare stores it; null when a list takes none such. */
export function storedForm(text: unknown): string | null {
  const short = typeof text === "string" ? canonical(text) : null;
  if (short === null) return null;
  const [bare = "", length] = short.split("/");
  const kind = ipaddr.parse(bare).kind();
  const [least, most] = lengths[kind];
  if (length === undefined || Number(length) === most) return bare;
  return Number(length) >= least ? short : null;
}

const ordered = new WeakMap<ReadonlyMap<string, ListItem>, readonly ListItem[]>();

/** By address, then by length of the network, as lists are shown; once for each map, which is not to change. */
export function inOrder(items: ReadonlyMap<string, ListItem>): readonly ListItem[] {
  return ordered.getOrInsertComputed(items, () => sorted([...items.values()]));
}

function sorted(items: readonly ListItem[]): readonly ListItem[] {
  return items
    .map((item) => [sortKey(item.ip), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, item]) => item);
}

function sortKey(ip: string): string {
  const [bare = "", length = "128"] = ip.split("/");
  const bytes = ipaddr.parse(bare).toByteArray();
  const digits = [...bytes, Number(length)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `${bytes.length === 4 ? 4 : 6}${digits.join("")}`;
}
