import { accountLists } from "../cloudflare/account-lists.ts";
import { bulkOf } from "../cloudflare/bulk.ts";
import type { Call } from "../cloudflare/client.ts";
import { ipList } from "../cloudflare/ip-list.ts";
import { listItems } from "../cloudflare/list-items.ts";
import { listOfMode, modeOfList } from "../cloudflare/list-names.ts";
import type { ListConfig, ProfileConfig } from "../config.ts";
import { modes } from "../core/hold.ts";
import type { FactLedger } from "../core/journal.ts";
import type { Blocklist, Pool } from "../core/ports.ts";
import type { Turns } from "../core/turns.ts";
import type { Runtime } from "../runtime.ts";

export interface AccountOptions {
  readonly runtime: Pick<Runtime, "sleep">;
  readonly call: Call;
  /** Cloudflare's id of it. */
  readonly account: string;
  readonly journal: FactLedger;
  readonly turns: Turns;
}

/** Everything about the lists of one account, as one credential sees it. */
export type Account = ReturnType<typeof openAccount>;

export function openAccount({ runtime, call, account, journal, turns }: AccountOptions) {
  const idFact = (name: string): string => `list-id:${account}:${name}`;
  const lists = accountLists(call, account, {
    recall: (name) => journal.fact(idFact(name)),
    remember: (name, id) => journal.setFact(idFact(name), id),
  });
  const { path } = lists;
  const { sleep } = runtime;
  return { lists, items: listItems(call, lists), bulk: bulkOf({ call, path, turns, sleep }), sleep };
}

/** What has a list and its rules made before it is used. */
export interface Provisioner {
  /** Has them made where they never were, for whatever zones. */
  ensure(): Promise<void>;
  /** Whether rules were made for other zones than the configuration names now. */
  outdated(): Promise<boolean>;
  /** Has the rules stand in the zones that the configuration names now. */
  renew(): Promise<void>;
  /** Cloudflare does not know the list any more. */
  lost(): Promise<void>;
  /** What is not as it is to be, each with the remedy. */
  check(): Promise<readonly string[]>;
}

export interface ListPlaceOptions {
  readonly account: Account;
  readonly name: string;
  readonly label: string;
  readonly pool: Pool;
  readonly host: string;
  readonly provisioner: Provisioner;
}

export function listPlace({ account, name, label, pool, host, provisioner }: ListPlaceOptions): Blocklist {
  return ipList({
    ...account,
    name,
    label,
    mode: modeOfList(name),
    pool,
    host,
    provide: provisioner.ensure,
    lost: provisioner.lost,
    check: provisioner.check,
  });
}

/** The lists of a profile, that of its own mode first. */
export function listNames({ mode }: ProfileConfig, list: ListConfig): readonly string[] {
  return [...new Set([mode, ...modes])].map((one) => listOfMode(list.name, one));
}

/** What the lists of an account share their room as. */
export function poolName(account: string): string {
  return `list:${account}`;
}
