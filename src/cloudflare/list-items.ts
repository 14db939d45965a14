import type { Address } from "../core/address.ts";
import { pooled } from "../core/pool.ts";
import { Failure } from "../errors.ts";
import type { AccountLists } from "./account-lists.ts";
import type { Answer, Call } from "./client.ts";
import { readItem } from "./list-item.ts";
import type { ListItem } from "./list-item.ts";

/** Items of a page. Source: Cloudflare's OpenAPI document; with more it speaks of a bad cursor. */
const perPage = 500;

/** An Enterprise account has at most 500,000 items; more pages than that is no answer. */
const mostPages = 1_000;

/** Searches under way at once. */
const concurrency = 8;

/** So few are searched for without asking how long the list is. */
const fewSearches = 2;

/** Reads a list's items. Every method throws `Gone` where Cloudflare does not know the list. */
export interface ListItems {
  /** What a list has of these networks, by their text, in as few calls as can be. */
  lookUp(list: string, networks: readonly Address[]): Promise<ReadonlyMap<string, ListItem>>;
  all(list: string): AsyncIterable<ListItem>;
}

/** The list is not there any more. */
export class Gone extends Error {}

export function listItems(call: Call, lists: AccountLists): ListItems {
  async function* pages(list: string, search: Readonly<Record<string, string>>): AsyncGenerator<ListItem> {
    let cursor: string | null = null;
    for (let page = 1; page <= mostPages; page += 1) {
      const query: Record<string, string | number> = {
        ...search,
        per_page: perPage,
        ...(cursor === null ? {} : { cursor }),
      };
      const answer: Answer = await call("GET", `${lists.path}/${list}/items`, { query });
      if (!answer.ok && answer.status === 404) throw new Gone();
      if (!answer.ok || !Array.isArray(answer.result)) throw unreadable(answer);
      yield* answer.result.map(readItem).filter((item) => item !== null);
      if (answer.cursor === null || answer.cursor === cursor || answer.result.length === 0) return;
      ({ cursor } = answer);
    }
  }

  /** A search finds what begins with the text, so that others come along. */
  async function search(list: string, network: Address): Promise<ListItem | null> {
    for await (const item of pages(list, { search: network.text })) {
      if (item.network.text === network.text) return item;
    }
    return null;
  }

  async function searchAll(
    list: string,
    networks: readonly Address[],
  ): Promise<readonly (ListItem | null)[]> {
    const searches = pooled(
      networks,
      (network) =>
        search(list, network).then(
          (item) => () => item,
          (error: unknown) => () => {
            throw error;
          },
        ),
      { concurrency, signal: new AbortController().signal },
    );
    return (await Array.fromAsync(searches)).map((found) => found());
  }

  async function pagesOf(list: string): Promise<number> {
    const items = await lists.size(list);
    if (items === null) throw new Gone();
    return Math.max(1, Math.ceil(items / perPage));
  }

  return {
    all: (list) => pages(list, {}),
    async lookUp(list, networks) {
      const pageCount = networks.length <= fewSearches ? Infinity : await pagesOf(list);
      if (pageCount > networks.length)
        return byNetwork((await searchAll(list, networks)).filter((item) => item !== null));
      const wanted = new Set(networks.map(({ text }) => text));
      const items = await Array.fromAsync(pages(list, {}));
      return byNetwork(items.filter(({ network }) => wanted.has(network.text)));
    },
  };
}

function byNetwork(items: readonly ListItem[]): ReadonlyMap<string, ListItem> {
  return new Map(items.map((item) => [item.network.text, item]));
}

function unreadable(answer: Answer): Failure {
  if (answer.ok)
    return new Failure("unavailable", "Cloudflare answered without a result when asked for a list's items");
  return new Failure("config", `Cannot read a list's items: ${answer.message}`, {
    hint: "check account and list in the configuration",
  });
}
