import { readAddress } from "../core/address.ts";
import type { Address } from "../core/address.ts";
import type { Mode } from "../core/hold.ts";
import { isOurMark } from "../core/mark.ts";
import type { EdgeRow } from "../core/ports.ts";
import { fieldsOf } from "./envelope.ts";

/** An item of an IP list. Source: Cloudflare's OpenAPI document, `lists_item`; @cloudflare/types has none. */
export interface ListItem {
  readonly id: string;
  readonly network: Address;
  readonly comment: string;
}

/** The item in an answer; null for anything that is none, or not of an IP list. */
export function readItem(value: unknown): ListItem | null {
  const { id, ip, comment } = fieldsOf<"id" | "ip" | "comment">(value);
  const network = typeof ip === "string" ? readAddress(ip) : null;
  if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id) || network === null) return null;
  return { id, network, comment: typeof comment === "string" ? comment : "" };
}

/** What the journal is to know of an item in a list whose rule does what `mode` says. */
export function itemRow(item: ListItem, mode: Mode, host: string): Omit<EdgeRow, "place"> {
  return { network: item.network.text, id: item.id, mode, owned: isOurMark(item.comment, host) };
}
