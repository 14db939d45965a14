/** A rule of a zone's custom rules; whatever else a client or the dashboard has put in it stays in it. */
export interface CustomRule {
  readonly id: string;
  readonly version: string;
  readonly action: string;
  readonly expression: string;
  readonly enabled: boolean;
  readonly ref: string;
  readonly last_updated: string;
  readonly description?: string;
  readonly [field: string]: unknown;
}

export interface Ruleset {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly kind: "zone";
  readonly phase: string;
  readonly version: string;
  readonly last_updated: string;
  readonly rules: readonly CustomRule[];
}

/** What defines a rule, as a client sends it. */
export type Definition = Readonly<Record<string, unknown>> & {
  readonly action: string;
  readonly expression: string;
};

/** Where a rule is to stand. */
export interface Position {
  readonly before?: string;
  readonly after?: string;
  /** From 1. */
  readonly index?: number;
}

export interface RulesetStore {
  /** Rules that the plan of every zone allows. */
  mostRules: number;
  entrypoint(zone: string, phase: string): Ruleset | null;
  find(zone: string, id: string): Ruleset | null;
  /** Replaces all rules, and makes the ruleset where there is none. Rules sent with an id that is there keep it. */
  put(zone: string, phase: string, rules: readonly Definition[]): Ruleset;
  add(zone: string, ruleset: string, rule: Definition, position: Position): Ruleset | null;
  /** Replaces the definition of one rule: what is not sent is gone. */
  edit(zone: string, ids: RuleIds, rule: Definition | null, position: Position | null): Ruleset | null;
  remove(zone: string, ids: RuleIds): Ruleset | null;
}

export interface RuleIds {
  readonly ruleset: string;
  readonly rule: string;
}

/** Rulesets of zones, one for each phase. */
export function rulesetStore(now: () => number): RulesetStore {
  const zones = new Map<string, Map<string, Ruleset>>();
  const phases = (zone: string) => zones.getOrInsertComputed(zone, () => new Map<string, Ruleset>());
  const moment = () => new Date(now()).toISOString();
  const newId = () => crypto.randomUUID().replaceAll("-", "");

  const built = (definition: Definition, before?: CustomRule): CustomRule => {
    const { id: _, position: __, ...fields } = definition as Record<string, unknown> & Definition;
    const id = before?.id ?? newId();
    const version = String(Number(before?.version ?? 0) + 1);
    return { id, version, enabled: true, ref: before?.ref ?? id, ...fields, last_updated: moment() };
  };
  const renewed = (zone: string, ruleset: Ruleset, rules: readonly CustomRule[]): Ruleset => {
    const version = String(Number(ruleset.version) + 1);
    const next = { ...ruleset, rules, version, last_updated: moment() };
    phases(zone).set(ruleset.phase, next);
    return next;
  };

  const store: RulesetStore = {
    mostRules: 5,
    entrypoint: (zone, phase) => phases(zone).get(phase) ?? null,
    find: (zone, id) => [...phases(zone).values()].find((ruleset) => ruleset.id === id) ?? null,
    put(zone, phase, definitions) {
      const made = { id: newId(), name: "default", description: "", kind: "zone", phase } as const;
      const before = phases(zone).get(phase) ?? { ...made, version: "0", last_updated: moment(), rules: [] };
      const rules = definitions.map((definition) =>
        built(
          definition,
          before.rules.find(({ id }) => id === definition["id"]),
        ),
      );
      return renewed(zone, before, rules);
    },
    add(zone, id, definition, position) {
      const ruleset = store.find(zone, id);
      return ruleset === null
        ? null
        : renewed(zone, ruleset, placed(ruleset.rules, built(definition), position));
    },
    edit(zone, ids, definition, position) {
      const ruleset = store.find(zone, ids.ruleset);
      const before = ruleset?.rules.find(({ id }) => id === ids.rule);
      if (ruleset === null || before === undefined) return null;
      const next = definition === null ? before : built(definition, before);
      const rules = ruleset.rules.map((rule) => (rule === before ? next : rule));
      const others = rules.filter((rule) => rule !== next);
      return renewed(zone, ruleset, position === null ? rules : placed(others, next, position));
    },
    remove(zone, ids) {
      const ruleset = store.find(zone, ids.ruleset);
      if (ruleset === null || !ruleset.rules.some(({ id }) => id === ids.rule)) return null;
      return renewed(
        zone,
        ruleset,
        ruleset.rules.filter(({ id }) => id !== ids.rule),
      );
    },
  };
  return store;
}

/** The rules with one more: at the end unless its position says otherwise. */
function placed(rules: readonly CustomRule[], rule: CustomRule, position: Position): CustomRule[] {
  const { before, after, index } = position;
  const at =
    index !== undefined
      ? index - 1
      : before !== undefined
        ? rules.findIndex(({ id }) => id === before)
        : after !== undefined
          ? rules.findIndex(({ id }) => id === after) + 1
          : rules.length;
  return rules.toSpliced(Math.max(0, at), 0, rule);
}
