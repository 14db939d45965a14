import { storedForm } from "./list-item.ts";

/** An item as a client sends it, in stored form. */
export interface SentItem {
  readonly ip: string;
  readonly comment: string;
}

/** What a client sent for items, in stored form, or why it cannot be taken. */
export function readItems(
  body: unknown,
): readonly SentItem[] | { readonly code?: number; readonly message: string } {
  if (!Array.isArray(body)) return { message: "the body is not an array of items" };
  const items: SentItem[] = [];
  const seen = new Set<string>();
  for (const each of body) {
    const { ip: text, comment = "" } = Object(each) as Record<string, unknown>;
    const ip = storedForm(text);
    if (ip === null) return { code: 10058, message: `invalid item for a list of kind ip: ${String(text)}` };
    if (typeof comment !== "string" || comment.length > 500) return { message: "invalid comment" };
    if (seen.has(ip))
      return { code: 10028, message: "The add list items operation contains duplicate items" };
    seen.add(ip);
    items.push({ ip, comment });
  }
  return items;
}
