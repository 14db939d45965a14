import type { Answer } from "./answer.ts";
import { cursorPageOf, jsonBody, refusal, success } from "./answer.ts";
import type { Bulk } from "./bulk.ts";
import type { AccountList, Kind, ListStore } from "./list-store.ts";
import { kinds } from "./list-store.ts";
import type { Ids, Route } from "./routes.ts";
import { readItems } from "./sent-items.ts";

/** What is unverified about Cloudflare, and so for the test to choose. */
export interface ListQuirks {
  /** Whether a removal of items by ids of which some are gone is refused as a whole. */
  readonly removalNeedsEveryId: boolean;
}

/** How many rules refer to a list. */
export type References = (account: string, list: string) => number;

const lists = "/accounts/:account/rules/lists";

/** An account's lists, their items, and the operations on them. */
export function listRoutes(store: ListStore, quirks: ListQuirks, references: References): Route[] {
  const shown = (account: string, list: AccountList): object => ({
    ...list,
    num_items: store.items(account, list.id).length,
    num_referencing_filters: references(account, list.name),
  });
  const one = (account: string, list: AccountList | null): Answer =>
    list === null ? noList() : success(shown(account, list));
  const read = (path: string, answer: Route["answer"]): Route => route("GET", path, answer);
  const route = (method: string, path: string, answer: Route["answer"]): Route => ({
    method,
    path,
    needs: [`Account Filter Lists ${method === "GET" ? "Read" : "Write"}`],
    answer(request, ids, caller) {
      store.bulk.settle();
      return answer(request, ids, caller);
    },
  });
  const write = (method: string, work: (ids: Ids, body: unknown) => Bulk | Answer): Route =>
    route(method, `${lists}/:list/items`, ({ body }, ids) => {
      const { account = "", list = "" } = ids;
      if (store.find(account, list) === null) return noList();
      const made = work(ids, jsonBody(body));
      return typeof made === "function" ? begin(account, made) : made;
    });
  const begin = (account: string, work: Bulk): Answer => {
    const operation_id = store.bulk.begin(account, work);
    // Nobody has quoted a code for it.
    if (operation_id === null)
      return refusal(429, { message: "another bulk operation of this account is still pending" });
    return success({ operation_id });
  };
  const sent =
    (put: ListStore["append"]) =>
    ({ account = "", list = "" }: Ids, body: unknown) => {
      const items = readItems(body);
      return "message" in items ? refusal(400, items) : put(account, list, items);
    };

  return [
    read(lists, (_, { account = "" }) => success(store.lists(account).map((list) => shown(account, list)))),
    route("POST", lists, ({ body }, { account = "" }) => {
      const wanted = readList(jsonBody(body));
      if (wanted === null) return refusal(400, { message: "invalid name or kind of list" });
      if (store.lists(account).some(({ name }) => name === wanted.name))
        return refusal(400, { message: "a list with this name already exists" });
      const made = store.make(account, wanted);
      if (made !== null) return one(account, made);
      return refusal(403, {
        code: 10038,
        message: "exceeded maximum number of lists allowed for the account",
      });
    }),
    read(`${lists}/:list`, (_, { account = "", list = "" }) => one(account, store.find(account, list))),
    route("PUT", `${lists}/:list`, ({ body }, { account = "", list = "" }) => {
      const { description } = Object(jsonBody(body)) as Record<string, unknown>;
      return one(account, store.describe(account, list, String(description ?? "")));
    }),
    route("DELETE", `${lists}/:list`, (_, { account = "", list = "" }) => {
      const found = store.find(account, list);
      if (found === null) return noList();
      if (references(account, found.name) > 0)
        return refusal(400, { message: "a list that a filter refers to cannot be deleted" });
      store.drop(account, list);
      return success({ id: list });
    }),
    read(`${lists}/:list/items`, ({ query }, { account = "", list = "" }) => {
      if (store.find(account, list) === null) return noList();
      const search = query.get("search")?.toLowerCase() ?? "";
      const items = store.items(account, list).filter(({ ip }) => ip.startsWith(search));
      return cursorPageOf(items, query, { most: 500 });
    }),
    write("POST", sent(store.append)),
    write("PUT", sent(store.replace)),
    write("DELETE", ({ account = "", list = "" }, body) => {
      const { items } = Object(body) as { items?: unknown };
      if (!Array.isArray(items) || items.length === 0) return refusal(400, { message: "no items to delete" });
      const ids = items.map((item) => String(Object(item).id));
      const there = new Set(store.items(account, list).map(({ id }) => id));
      if (quirks.removalNeedsEveryId && !ids.every((id) => there.has(id)))
        return refusal(400, { message: "could not find some of the items" });
      return store.removeIds(account, list, ids);
    }),
    read(`${lists}/:list/items/:item`, (_, { account = "", list = "", item = "" }) => {
      const found = store.items(account, list).find(({ id }) => id === item);
      return found === undefined
        ? refusal(404, { code: 10001, message: "could not find item" })
        : success(found);
    }),
    read(`${lists}/bulk_operations/:operation`, (_, { account = "", operation = "" }) => {
      const found = store.bulk.find(account, operation);
      return found === null
        ? refusal(404, { code: 10001, message: "could not find operation" })
        : success(found);
    }),
  ];
}

function readList(body: unknown): Pick<AccountList, "name" | "kind" | "description"> | null {
  const { name, kind, description = "" } = Object(body) as Record<string, unknown>;
  if (typeof name !== "string" || !/^[a-z0-9_]{1,50}$/.test(name)) return null;
  return isKind(kind) ? { name, kind, description: String(description) } : null;
}

function isKind(value: unknown): value is Kind {
  return kinds.some((kind) => kind === value);
}

function noList(): Answer {
  return refusal(404, { code: 10001, message: "could not find list" });
}
