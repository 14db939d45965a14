import type { Call } from "../cloudflare/client.ts";
import { dropRules } from "../cloudflare/custom-rules.ts";
import { modeOfList } from "../cloudflare/list-names.ts";
import { provision, removeProvision } from "../cloudflare/provision.ts";
import type { Provided } from "../cloudflare/provision.ts";
import { zonesOf } from "../cloudflare/zones.ts";
import type { NamedZone } from "../cloudflare/zones.ts";
import type { FactLedger } from "../core/journal.ts";
import type { Turns } from "../core/turns.ts";
import { Failure } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Ids } from "./ids.ts";
import type { Account, Provisioner } from "./list-places.ts";

export interface ListProvisionOptions {
  readonly journal: FactLedger;
  readonly call: Call;
  readonly ids: Ids;
  readonly account: Account;
  readonly accountId: string;
  readonly list: string;
  /** Names or ids of the zones whose rule uses the list; none: every zone of the account. */
  readonly zones: () => Promise<readonly string[]>;
  readonly log: Log;
  /** Two that make the first rule of a zone at once would each put theirs in the place of the other's. */
  readonly turns: Turns;
}

export interface ListProvision extends Provisioner {
  /** Has the list and its rules as they are to be; "look" only says what is not. */
  provide(how: "mend" | "look"): Promise<readonly Provided[]>;
  /** Removes the rules and the list, where nothing is left in it. */
  remove(): Promise<readonly Provided[]>;
}

/** What is remembered of a list that has its rules: the zones of the configuration, and their ids. */
interface Done {
  readonly zones: readonly string[];
  readonly ids: readonly string[];
}

/** A list of the configuration, and the rules that use it; made once, and remembered in the journal. */
export function listProvision(options: ListProvisionOptions): ListProvision {
  const { journal, call, ids, account, accountId, list, log, turns } = options;
  const fact = `provided:${accountId}:${list}`;

  async function done(): Promise<Done | null> {
    const text = await journal.fact(fact);
    return text === null || text === "" ? null : (JSON.parse(text) as Done);
  }

  const provide = (how: "mend" | "look", find = ids.findAnew): Promise<readonly Provided[]> =>
    turns(() => provideNow(how, find));

  async function provideNow(how: "mend" | "look", find: Ids["findAnew"]): Promise<readonly Provided[]> {
    const zones = await options.zones();
    const named = await namedZones(call, find, { accountId, zones });
    const before = await done();
    const provided = await provision(
      { call, lists: account.lists, zones: named, list, mode: modeOfList(list) },
      how,
    );
    // Where only an id is another one, it may be this credential that does not see the zone any more.
    const hasLeft = before !== null && JSON.stringify(before.zones) !== JSON.stringify(zones);
    const left = hasLeft ? before.ids.filter((id) => named.every((zone) => zone.id !== id)) : [];
    const dropped = how === "look" ? [] : await Promise.all(left.map((id) => dropFrom(call, id, list)));
    const now: Done = { zones, ids: named.map(({ id }) => id) };
    if (how === "mend") await journal.setFact(fact, JSON.stringify(now));
    return [...provided, ...dropped.flat()];
  }

  async function isOutdated(): Promise<boolean> {
    const before = await done();
    return before !== null && JSON.stringify(before.zones) !== JSON.stringify(await options.zones());
  }

  async function renew(): Promise<void> {
    for (const { sign, what } of await provide("mend", ids.find)) {
      if (sign === "!") log("warn", "", `Cannot check the ${what}`);
      else if (sign !== "=") log("info", "", `${verbs[sign]} ${what}`);
    }
  }

  return {
    provide,
    // In turn: another profile may be making them just now, and not know yet that this one uses them too.
    outdated: () => turns(isOutdated),
    renew,
    async ensure() {
      if ((await done()) === null) await renew();
    },
    async remove() {
      const named = await namedZones(call, ids.findAnew, { accountId, zones: await options.zones() });
      const { lists, items } = account;
      const removed = await removeProvision({ call, lists, zones: named, list }, items);
      await journal.setFact(fact, "");
      return removed;
    },
    lost: () => journal.setFact(fact, ""),
    async check() {
      const remedy = "run: fail2ban-cloudflare sync --provision";
      const found = await provide("look");
      return found.flatMap(({ sign, what }) =>
        sign in flaws ? [`The ${what} ${flaws[sign]} (${remedy})`] : [],
      );
    },
  };
}

const flaws: { readonly [S in Provided["sign"]]?: string } = { "+": "is missing", "~": "was changed" };
const verbs = { "+": "Made", "~": "Set right", "-": "Removed" } as const;

async function namedZones(
  call: Call,
  find: Ids["findAnew"],
  { accountId, zones }: { readonly accountId: string; readonly zones: readonly string[] },
): Promise<readonly NamedZone[]> {
  if (zones.length === 0) return zonesOf(call, accountId);
  return Promise.all(zones.map(async (name) => ({ id: await find("zone", name), name })));
}

/** A zone that has left the configuration; whether our rule can be removed there must not hold up the others. */
async function dropFrom(call: Call, id: string, list: string): Promise<readonly Provided[]> {
  const what = `rule for list ${list} in zone ${id}`;
  try {
    return (await dropRules(call, { id, name: id }, list)) > 0 ? [{ sign: "-", what }] : [];
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === "unavailable") throw error;
    return [{ sign: "!", what: `${what}: ${error.message}` }];
  }
}
