import type { Account, Zone } from "./directory.ts";
import { storedForm } from "./list-item.ts";
import type { ListItem } from "./list-item.ts";
import { listRoutes } from "./lists.ts";
import { listStore } from "./list-store.ts";
import type { AccountList, ItemChange, Kind, ListPlan } from "./list-store.ts";
import type { BulkDesk } from "./bulk.ts";
import type { Route } from "./routes.ts";
import type { Scope } from "./rule-store.ts";
import { rulesetStore } from "./ruleset-store.ts";
import type { CustomRule, Definition } from "./ruleset-store.ts";
import { customRulesPhase, listsIn, rulesetRoutes } from "./rulesets.ts";

/** The first account's lists, as somebody at the dashboard sees and changes them. */
export interface FakeLists {
  readonly plan: ListPlan;
  readonly bulk: Pick<BulkDesk, "delayMs" | "poison" | "begun" | "refused">;
  /** Hears of every change of an item. */
  onChange: ((change: ItemChange) => void) | null;
  /** Unverified of Cloudflare: see `ListQuirks`. */
  removalNeedsEveryId: boolean;
  names(): string[];
  idOf(name: string): string;
  items(name: string): ListItem[];
  plant(name: string, options?: { readonly kind?: Kind }): AccountList;
  plantItem(name: string, ip: string, comment?: string): void;
  removeItem(name: string, ip: string): void;
  remove(name: string): void;
  /** Another tool's bulk operation, which takes this long. */
  occupy(ms: number): void;
}

/** Custom rules of a zone, the first one's unless told. */
export interface FakeCustomRules {
  mostRules: number;
  of(zone?: string): readonly CustomRule[];
  plant(rule: Definition, zone?: string): void;
  change(id: string, fields: Readonly<Record<string, unknown>>, zone?: string): void;
  remove(id: string, zone?: string): void;
}

export interface Waf {
  readonly routes: readonly Route[];
  readonly lists: FakeLists;
  readonly customRules: FakeCustomRules;
  /** What the custom rules of the zones of a scope act against, by their lists. */
  blocked(scope?: Scope): string[];
}

interface World {
  readonly zones: readonly Zone[];
  readonly account: Account;
  readonly now: () => number;
}

/** Lists, and the custom rules that act on them. */
export function waf({ zones, account, now }: World): Waf {
  const store = listStore(now, (change) => lists.onChange?.(structuredClone(change)));
  const rulesets = rulesetStore(now);
  const owner = (zone: string) => zones.find(({ id }) => id === zone)?.account.id ?? "";
  const named = (owning: string, name: string) => store.lists(owning).find((list) => list.name === name);
  const rulesOf = (zone: string) => rulesets.entrypoint(zone, customRulesPhase)?.rules ?? [];
  const first = zones[0]?.id ?? "";
  const ids = (rule: string, zone: string) => ({
    ruleset: rulesets.entrypoint(zone, customRulesPhase)?.id ?? "",
    rule,
  });
  const listOf = (name: string): AccountList => {
    const found = named(account.id, name);
    if (found === undefined) throw new Error(`The fake Cloudflare has no list "${name}"`);
    return found;
  };
  const itemsOf = (owning: string, name: string): readonly ListItem[] => {
    store.bulk.settle();
    const list = named(owning, name);
    return list === undefined ? [] : store.items(owning, list.id);
  };

  const lists: FakeLists = {
    plan: store.plan,
    bulk: store.bulk,
    onChange: null,
    removalNeedsEveryId: false,
    names: () => store.lists(account.id).map(({ name }) => name),
    idOf: (name) => listOf(name).id,
    items: (name) => [...itemsOf(account.id, name)],
    plant(name, { kind = "ip" } = {}) {
      const made = store.make(account.id, { name, kind, description: "" });
      if (made === null) throw new Error(`Cannot plant list "${name}": the plan allows no further one`);
      return made;
    },
    plantItem(name, text, comment = "") {
      const ip = storedForm(text);
      if (ip === null) throw new Error(`Cannot plant "${text}": no list takes it`);
      const error = store.append(account.id, listOf(name).id, [{ ip, comment }])(now());
      if (error !== null) throw new Error(error);
    },
    removeItem(name, ip) {
      const gone = itemsOf(account.id, name).filter((item) => item.ip === ip);
      store.removeIds(
        account.id,
        listOf(name).id,
        gone.map(({ id }) => id),
      )(now());
    },
    remove: (name) => void store.drop(account.id, listOf(name).id),
    occupy: (ms) => store.bulk.occupy(account.id, ms),
  };

  return {
    routes: [
      ...listRoutes(
        store,
        lists,
        (owning, list) =>
          zones
            .filter((zone) => zone.account.id === owning)
            .flatMap(({ id }) => rulesOf(id))
            .filter(({ expression }) => listsIn(expression).includes(list)).length,
      ),
      ...rulesetRoutes(rulesets, (zone, list) => named(owner(zone), list) !== undefined),
    ],
    lists,
    customRules: {
      get mostRules() {
        return rulesets.mostRules;
      },
      set mostRules(most) {
        rulesets.mostRules = most;
      },
      of: (zone = first) => structuredClone(rulesOf(zone)),
      plant(rule, zone = first) {
        const entrypoint =
          rulesets.entrypoint(zone, customRulesPhase) ?? rulesets.put(zone, customRulesPhase, []);
        rulesets.add(zone, entrypoint.id, rule, {});
      },
      change(id, fields, zone = first) {
        const before = rulesOf(zone).find((rule) => rule.id === id);
        if (before !== undefined) rulesets.edit(zone, ids(id, zone), { ...before, ...fields }, null);
      },
      remove: (id, zone = first) => void rulesets.remove(zone, ids(id, zone)),
    },
    blocked(scope) {
      const within =
        scope === undefined ? zones : zones.filter(({ id }) => scope.type === "zone" && scope.id === id);
      const networks = within.flatMap(({ id }) =>
        rulesOf(id)
          .filter(({ enabled, action }) => enabled && !["skip", "log"].includes(action))
          .flatMap(({ expression }) => listsIn(expression))
          .flatMap((name) => itemsOf(owner(id), name).map(({ ip }) => ip)),
      );
      return [...new Set(networks)].sort();
    },
  };
}
