import type { Mode } from "../core/hold.ts";
import { markedJail } from "../core/mark.ts";
import type { Blocklist, Change, Pool, Settled } from "../core/ports.ts";
import { Failure } from "../errors.ts";
import type { AccountLists } from "./account-lists.ts";
import { notYet, Taken } from "./bulk.ts";
import type { Bulk } from "./bulk.ts";
import { absent, addItems, removeItems } from "./list-changes.ts";
import type { ListChanges } from "./list-changes.ts";
import { itemRow } from "./list-item.ts";
import { Gone } from "./list-items.ts";
import type { ListItems } from "./list-items.ts";
import { patience } from "./patience.ts";
import type { Sleep } from "./patience.ts";

export interface IpListOptions {
  readonly lists: AccountLists;
  readonly items: ListItems;
  readonly bulk: Bulk;
  readonly sleep: Sleep;
  readonly name: string;
  /** What it is called before people. */
  readonly label: string;
  /** What the rules do with the addresses of the list. */
  readonly mode: Mode;
  readonly pool: Pool;
  readonly host: string;
  /** Makes sure, before the first addition, that there is the list and that rules use it. */
  provide(): Promise<void>;
  /** Has `provide` begin anew: Cloudflare does not know the list any more. */
  lost(): Promise<void>;
  check: Blocklist["check"];
}

/** All that all lists of an account hold, but for Enterprise. */
const atOnce = 10_000;

/** Waits while another operation of the account is under way, be it another tool's. */
const turnsMs = [1_000, 2_000, 5_000, 10_000, 20_000] as const;

/** An account's IP list, whose addresses custom rules of its zones act on, as a Blocklist. */
export function ipList(options: IpListOptions): Blocklist {
  const { lists, items, sleep, name, mode, pool, host, provide, lost, check } = options;
  const changing = (list: string): ListChanges => ({ ...options, list, path: `${lists.path}/${list}/items` });

  async function* make(changes: readonly Change[], signal: AbortSignal): AsyncGenerator<Settled> {
    const additions = changes.filter((change) => change.kind === "add");
    if (additions.length > 0) {
      await provide();
      const list = await lists.idOf(name);
      if (list === null) throw new Gone();
      yield* addItems(changing(list), additions, signal);
    }
    const removals = changes.filter((change) => change.kind === "remove");
    if (removals.length === 0 || signal.aborted) return;
    const list = await lists.idOf(name);
    yield* list === null ? removals.map(absent) : removeItems(changing(list), removals, signal);
  }

  async function forget(): Promise<void> {
    await lists.forget(name);
    await lost();
  }

  return {
    place: `${pool.name}:${name}`,
    label: options.label,
    mode,
    pool,
    atOnce,
    check,
    async *apply(changes, signal) {
      const open = new Set(changes);
      const turns = patience(turnsMs, sleep, signal);
      let forgotten = false;
      for (;;) {
        try {
          for await (const settled of make([...open], signal)) {
            open.delete(settled.change);
            yield settled;
          }
          return;
        } catch (error) {
          // What was cut short is found and made whole by the next courier.
          if (signal.aborted) return;
          if (error instanceof Taken && (await turns.wait())) continue;
          if (error instanceof Gone && !forgotten) {
            forgotten = true;
            await forget();
            continue;
          }
          const failure = failureOf(error, name);
          const all = failure instanceof Failure && failure.kind === "refused";
          for (const change of all ? open : [...open].slice(0, 1)) yield { change, failure };
          return;
        }
      }
    },
    async *entries({ foreign }) {
      const list = await lists.idOf(name);
      if (list === null) return;
      try {
        for await (const item of items.all(list)) {
          const row = itemRow(item, mode, host);
          if (foreign || row.owned) yield { ...row, jail: markedJail(item.comment, host) };
        }
      } catch (error) {
        if (!(error instanceof Gone)) throw error;
        await forget();
      }
    },
  };
}

function failureOf(error: unknown, name: string): unknown {
  if (error instanceof Taken) return notYet("another change of this account's lists is under way");
  if (!(error instanceof Gone)) return error;
  return new Failure("unavailable", `Cannot find list "${name}" in the account`, {
    hint: "run: fail2ban-cloudflare sync --provision",
  });
}
