import { quoted } from "../core/text.ts";
import { Failure } from "../errors.ts";
import type { Answer, Call } from "./client.ts";
import { fieldsOf } from "./envelope.ts";

/** An account's list. Source: Cloudflare's OpenAPI document, `lists_list`; @cloudflare/types has none. */
export interface AccountList {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly items: number;
}

/** Remembers ids of lists from one run to the next; "" for one that is not to be remembered any more. */
export interface IdMemory {
  recall(name: string): Promise<string | null>;
  remember(name: string, id: string): Promise<void>;
}

/** The IP lists of one account, by name: a list's name never changes, and no two have the same. */
export interface AccountLists {
  /** Below the API's base, as "/accounts/<id>/rules/lists". */
  readonly path: string;
  /** The id of the list; null when the account has none of that name. Throws a config failure for one of another kind. */
  idOf(name: string): Promise<string | null>;
  /** Has the next `idOf` look: Cloudflare does not know the id that it gave. */
  forget(name: string): Promise<void>;
  /** About how many items a list has: what has just been changed may not be counted. null: there is no such list. */
  size(id: string): Promise<number | null>;
  /** Makes a list, or finds that somebody has made it meanwhile; returns its id. */
  make(name: string, description: string): Promise<string>;
  /** Why Cloudflare keeps the list; null: it is gone. */
  remove(name: string, id: string): Promise<string | null>;
}

/** The account has as many lists as its plan allows. */
const tooManyLists = 10038;

export function accountLists(call: Call, account: string, memory: IdMemory): AccountLists {
  const path = `/accounts/${account}/rules/lists`;
  let known: ReadonlyMap<string, AccountList> | null = null;

  async function all(): Promise<ReadonlyMap<string, AccountList>> {
    const answer = await call("GET", path);
    if (!answer.ok || !Array.isArray(answer.result)) throw noLists("look for lists", answer);
    const lists = answer.result.map(readList).filter((list) => list !== null);
    return new Map(lists.map((list) => [list.name, list]));
  }

  async function forget(name: string): Promise<void> {
    known = null;
    await memory.remember(name, "");
  }

  async function idOf(name: string): Promise<string | null> {
    const remembered = await memory.recall(name);
    if (remembered !== null && remembered !== "") return remembered;
    known ??= await all();
    const found = known.get(name);
    if (found === undefined) return null;
    if (found.kind !== "ip") {
      throw new Failure(
        "config",
        `Cannot use list ${quoted(name)}: it is a list of kind ${quoted(found.kind)}`,
        {
          hint: 'name another one in the configuration: list = "…"',
        },
      );
    }
    await memory.remember(name, found.id);
    return found.id;
  }

  return {
    path,
    forget,
    idOf,
    async size(id) {
      const answer = await call("GET", `${path}/${id}`);
      if (!answer.ok && answer.status === 404) return null;
      const list = answer.ok ? readList(answer.result) : null;
      if (list === null) throw noLists("look at a list", answer);
      return list.items;
    },
    async make(name, description) {
      const answer = await call("POST", path, { body: { name, kind: "ip", description } });
      const list = answer.ok ? readList(answer.result) : null;
      known = null;
      if (list !== null) {
        await memory.remember(name, list.id);
        return list.id;
      }
      // Another server may have made it since this one looked: a name that is taken is refused without a code of its own.
      const theirs = answer.ok ? null : await idOf(name);
      if (theirs === null) throw noLists(`make list ${quoted(name)}`, answer);
      return theirs;
    },
    async remove(name, id) {
      const answer = await call("DELETE", `${path}/${id}`);
      if (!answer.ok && answer.status !== 404) return answer.message;
      await forget(name);
      return null;
    },
  };
}

function readList(value: unknown): AccountList | null {
  const { id, name, kind, num_items } = fieldsOf<"id" | "name" | "kind" | "num_items">(value);
  if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id) || typeof name !== "string") return null;
  return {
    id,
    name,
    kind: typeof kind === "string" ? kind : "",
    items: typeof num_items === "number" ? num_items : Infinity,
  };
}

function noLists(what: string, answer: Answer): Failure {
  if (answer.ok)
    return new Failure("unavailable", `Cloudflare answered without a result when asked to ${what}`);
  if (answer.codes.includes(tooManyLists)) {
    return new Failure("refused", `Cannot ${what}: the account's plan allows no further list`, {
      hint: "have all jails use one mode, delete another list, or upgrade the plan",
    });
  }
  return new Failure("config", `Cannot ${what}: ${answer.message}`, {
    hint: "check account in the configuration",
  });
}
