import type { Configuration } from "./configuration.ts";
import { canonical, configurationOf } from "./configuration.ts";

export const modes = ["block", "challenge", "whitelist", "js_challenge", "managed_challenge"] as const;
export type Mode = (typeof modes)[number];

/** Where rules are kept; user rules have one place. */
export type Scope =
  | { readonly type: "user" }
  | { readonly type: "account"; readonly id: string }
  | { readonly type: "zone"; readonly id: string };

/** A stored rule; its notes are as they were sent, not escaped. */
export interface AccessRule {
  readonly id: string;
  readonly mode: Mode;
  readonly notes: string;
  readonly configuration: Configuration;
  readonly scope: {
    readonly id: string;
    readonly type: string;
    readonly name?: string;
    readonly email?: string;
  };
  readonly created_on: string;
  readonly modified_on: string;
}

/** A rule that somebody else makes. */
export interface Planted {
  readonly mode?: Mode;
  readonly value: string;
  readonly notes?: string;
}

/** Something that happened to a rule, whoever did it. */
export interface RuleChange {
  readonly kind: "added" | "changed" | "removed";
  /** As it is now, or was when it was removed. */
  readonly rule: AccessRule;
}

export interface RuleStore {
  /** The rules of a scope in the order of their making; without a scope, all. */
  rules(scope?: Scope): AccessRule[];
  find(scope: Scope, id: string): AccessRule | undefined;
  /** null when the scope has a rule for the same target and value, whatever its mode. */
  add(scope: Scope, rule: Pick<AccessRule, "mode" | "notes" | "configuration">): AccessRule | null;
  plant(scope: Scope, planted: Planted): AccessRule;
  change(
    scope: Scope,
    id: string,
    change: Partial<Pick<AccessRule, "mode" | "notes">>,
  ): AccessRule | undefined;
  /** Removes a rule of one scope, or, without a scope, wherever it is. */
  remove(id: string, scope?: Scope): boolean;
  /** Addresses and networks that some rule acts against, in short form, sorted, each once. */
  blocked(scope?: Scope): string[];
}

export interface RuleStoreOptions {
  readonly describe: (scope: Scope) => AccessRule["scope"];
  readonly now: () => number;
  /** Told of every change, when it has happened. */
  readonly told: (change: RuleChange) => void;
}

export function ruleStore({ describe, now, told }: RuleStoreOptions): RuleStore {
  const shelves = new Map<string, Shelf>();
  const shelf = (scope: Scope) =>
    shelves.getOrInsertComputed(scope.type === "user" ? "user" : `${scope.type}:${scope.id}`, () => ({
      rules: new Map<string, AccessRule>(),
      taken: new Set<string>(),
    }));
  const rules = (scope?: Scope) =>
    (scope === undefined ? [...shelves.values()] : [shelf(scope)]).flatMap((each) => [
      ...each.rules.values(),
    ]);

  const store: RuleStore = {
    rules,
    find: (scope, id) => shelf(scope).rules.get(id),
    add(scope, { mode, notes, configuration }) {
      const { rules, taken } = shelf(scope);
      if (taken.has(identity(configuration))) return null;
      const at = new Date(now()).toISOString();
      const id = crypto.randomUUID().replaceAll("-", "");
      const rule = {
        id,
        mode,
        notes,
        configuration,
        scope: describe(scope),
        created_on: at,
        modified_on: at,
      };
      rules.set(id, rule);
      taken.add(identity(configuration));
      told({ kind: "added", rule });
      return rule;
    },
    plant(scope, { mode = "block", value, notes = "" }) {
      const rule = store.add(scope, { mode, notes, configuration: configurationOf(value) });
      if (rule === null) throw new Error(`Cannot plant "${value}": the scope has a rule for it`);
      return rule;
    },
    change(scope, id, change) {
      const { rules } = shelf(scope);
      const rule = rules.get(id);
      if (rule === undefined) return undefined;
      const changed = { ...rule, ...change, modified_on: new Date(now()).toISOString() };
      rules.set(id, changed);
      told({ kind: "changed", rule: changed });
      return changed;
    },
    remove(id, scope) {
      const places = scope === undefined ? [...shelves.values()] : [shelf(scope)];
      return places.some(({ rules, taken }) => {
        const rule = rules.get(id);
        if (rule === undefined) return false;
        taken.delete(identity(rule.configuration));
        rules.delete(id);
        told({ kind: "removed", rule });
        return true;
      });
    },
    blocked(scope) {
      const acting = rules(scope).filter((rule) => rule.mode !== "whitelist");
      const values = acting.map((rule) => canonical(rule.configuration.value));
      return [...new Set(values.filter((value) => value !== null))].sort();
    },
  };
  return store;
}

interface Shelf {
  readonly rules: Map<string, AccessRule>;
  /** The identities of its rules. */
  readonly taken: Set<string>;
}

function identity({ target, value }: Configuration): string {
  return `${target} ${value}`;
}
