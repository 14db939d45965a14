import { bulkDesk } from "./bulk.ts";
import type { Bulk, BulkDesk } from "./bulk.ts";
import { storedForm } from "./list-item.ts";
import type { ListItem } from "./list-item.ts";

export const kinds = ["ip", "redirect", "hostname", "asn"] as const;
export type Kind = (typeof kinds)[number];

export interface AccountList {
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
  readonly description: string;
  readonly created_on: string;
  readonly modified_on: string;
}

/** What the plan of every account allows: lists, and items over all of an account's lists. */
export interface ListPlan {
  lists: number;
  items: number;
}

/** An item as a client sends it, in stored form. */
export interface SentItem {
  readonly ip: string;
  readonly comment: string;
}

interface Shelf {
  readonly list: AccountList;
  /** By address. */
  items: Map<string, ListItem>;
}

export interface ListStore {
  readonly plan: ListPlan;
  readonly bulk: BulkDesk;
  lists(account: string): readonly AccountList[];
  find(account: string, id: string): AccountList | null;
  /** null when the account has as many lists as its plan allows. */
  make(account: string, list: Pick<AccountList, "name" | "kind" | "description">): AccountList | null;
  describe(account: string, id: string, description: string): AccountList | null;
  drop(account: string, id: string): boolean;
  items(account: string, id: string): readonly ListItem[];
  /** Work for a bulk operation: an item that is there already is replaced, and keeps its id. */
  append(account: string, id: string, sent: readonly SentItem[]): Bulk;
  replace(account: string, id: string, sent: readonly SentItem[]): Bulk;
  removeIds(account: string, id: string, ids: readonly string[]): Bulk;
}

/** Lists of every account, with their items. */
export function listStore(now: () => number): ListStore {
  const accounts = new Map<string, Map<string, Shelf>>();
  const shelves = (account: string) => accounts.getOrInsertComputed(account, () => new Map<string, Shelf>());
  const shelf = (account: string, id: string) => shelves(account).get(id);
  const moment = () => new Date(now()).toISOString();
  const newId = () => crypto.randomUUID().replaceAll("-", "");
  const total = (account: string) =>
    [...shelves(account).values()].reduce((sum, { items }) => sum + items.size, 0);
  const bulk = bulkDesk(now);

  /** Puts the items beside those that stay, all or none. */
  function put(account: string, id: string, stay: ReadonlyMap<string, ListItem>, sent: readonly SentItem[]) {
    const into = shelf(account, id);
    if (into === undefined) return "could not find list";
    const items = new Map(stay);
    for (const { ip, comment } of sent) {
      const reason = bulk.poison?.({ ip, comment }) ?? null;
      if (reason !== null) return reason;
      const before = into.items.get(ip);
      const made = { id: before?.id ?? newId(), created_on: before?.created_on ?? moment() };
      items.set(ip, { ...made, ip, comment, modified_on: moment() });
    }
    if (total(account) - into.items.size + items.size > store.plan.items) return listIsFull;
    into.items = items;
    return null;
  }

  const store: ListStore = {
    plan: { lists: 1, items: 10_000 },
    bulk,
    lists: (account) => [...shelves(account).values()].map(({ list }) => list),
    find: (account, id) => shelf(account, id)?.list ?? null,
    make(account, { name, kind, description }) {
      if (shelves(account).size >= store.plan.lists) return null;
      const list = { id: newId(), name, kind, description, created_on: moment(), modified_on: moment() };
      shelves(account).set(list.id, { list, items: new Map() });
      return list;
    },
    describe(account, id, description) {
      const before = shelf(account, id);
      if (before === undefined) return null;
      const list = { ...before.list, description, modified_on: moment() };
      shelves(account).set(id, { ...before, list });
      return list;
    },
    drop: (account, id) => shelves(account).delete(id),
    items: (account, id) => [...(shelf(account, id)?.items.values() ?? [])],
    append: (account, id, sent) => () => put(account, id, shelf(account, id)?.items ?? new Map(), sent),
    replace: (account, id, sent) => () => put(account, id, new Map(), sent),
    removeIds: (account, id, ids) => () => {
      const from = shelf(account, id);
      if (from === undefined) return "could not find list";
      const gone = new Set(ids);
      from.items = new Map([...from.items].filter(([, item]) => !gone.has(item.id)));
      return null;
    },
  };
  return store;
}

/** Cloudflare's own words, from its OpenAPI document. */
const listIsFull = "This list is at the maximum number of items";

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
