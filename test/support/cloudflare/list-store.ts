import { bulkDesk } from "./bulk.ts";
import type { Bulk, BulkDesk } from "./bulk.ts";
import { inOrder } from "./list-item.ts";
import type { ListItem } from "./list-item.ts";
import type { SentItem } from "./sent-items.ts";

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

/** An item that was put into a list of an account, or taken out; of one that was replaced, what it was before. */
export interface ItemChange {
  readonly kind: "added" | "changed" | "removed";
  readonly list: string;
  readonly item: ListItem;
  /** Nobody may have looked at the operation when it was done: it has its effect all the same. */
  readonly at: number;
}

/** What a list is to have: what stays, and what was sent. */
interface Putting {
  readonly stay: ReadonlyMap<string, ListItem>;
  readonly sent: readonly SentItem[];
  readonly at: number;
}

interface Shelf {
  readonly list: AccountList;
  /** By address; another map after each change. */
  items: ReadonlyMap<string, ListItem>;
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
export function listStore(now: () => number, told: (change: ItemChange) => void): ListStore {
  const accounts = new Map<string, Map<string, Shelf>>();
  const shelves = (account: string) => accounts.getOrInsertComputed(account, () => new Map<string, Shelf>());
  const shelf = (account: string, id: string) => shelves(account).get(id);
  const moment = (at = now()) => new Date(at).toISOString();
  const newId = () => crypto.randomUUID().replaceAll("-", "");
  const total = (account: string) =>
    [...shelves(account).values()].reduce((sum, { items }) => sum + items.size, 0);
  const bulk = bulkDesk(now);

  /** Puts the items beside those that stay, all or none. */
  function put(account: string, id: string, { stay, sent, at }: Putting) {
    const into = shelf(account, id);
    if (into === undefined) return "could not find list";
    const items = new Map(stay);
    for (const { ip, comment } of sent) {
      const reason = bulk.poison?.({ ip, comment }) ?? null;
      if (reason !== null) return reason;
      const before = into.items.get(ip);
      const made = { id: before?.id ?? newId(), created_on: before?.created_on ?? moment(at) };
      items.set(ip, { ...made, ip, comment, modified_on: moment(at) });
    }
    if (total(account) - into.items.size + items.size > store.plan.items) return listIsFull;
    turnInto(into, items, at);
    return null;
  }

  function turnInto(shelf: Shelf, items: Map<string, ListItem>, at: number): void {
    const before = shelf.items;
    shelf.items = items;
    const list = shelf.list.name;
    for (const [ip, item] of before)
      if (items.get(ip) !== item) told({ kind: items.has(ip) ? "changed" : "removed", list, item, at });
    for (const [ip, item] of items) if (!before.has(ip)) told({ kind: "added", list, item, at });
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
    items: (account, id) => inOrder(shelf(account, id)?.items ?? new Map()),
    append: (account, id, sent) => (at) =>
      put(account, id, { stay: shelf(account, id)?.items ?? new Map(), sent, at }),
    replace: (account, id, sent) => (at) => put(account, id, { stay: new Map(), sent, at }),
    removeIds: (account, id, ids) => (at) => {
      const from = shelf(account, id);
      if (from === undefined) return "could not find list";
      const gone = new Set(ids);
      turnInto(from, new Map([...from.items].filter(([, item]) => !gone.has(item.id))), at);
      return null;
    },
  };
  return store;
}

/** Cloudflare's own words, from its OpenAPI document. */
const listIsFull = "This list is at the maximum number of items";
