import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "../../src/core/address.ts";
import { modes, strictest } from "../../src/core/hold.ts";
import type { Step } from "../../src/core/plan.ts";
import { plan, stepsAt } from "../../src/core/plan.ts";
import type { Due, Want } from "../../src/core/journal.ts";
import type { EdgeRow } from "../../src/core/ports.ts";

const network = parseAddress("203.0.113.7");
const site = { place: "zone:1", mode: null, profiles: new Set(["", "client-a"]) };

function due(wants: readonly Want[], rows: readonly EdgeRow[]): Due {
  return { pending: { generation: 1, profile: "", network, attempts: 0, sinceAt: 0 }, wants, rows };
}

function row(known: Partial<EdgeRow> = {}): EdgeRow {
  return { place: "zone:1", network: network.text, id: "r1", mode: "block", owned: true, ...known };
}

const want = (jail: string, mode: Want["mode"] = "block", profile = ""): Want => ({
  profile,
  jail,
  mode,
  outside: false,
});

test.each<[string, Want[], EdgeRow[], Step["kind"] | null]>([
  ["wanted and not there", [want("sshd")], [], "add"],
  ["wanted and there", [want("sshd")], [row()], null],
  ["wanted and perhaps there", [want("sshd")], [row({ id: null, mode: null })], "add"],
  ["wanted and perhaps removed", [want("sshd")], [row({ mode: null })], "add"],
  ["wanted and there by an id that is not known", [want("sshd")], [row({ id: null })], null],
  ["wanted in another mode", [want("sshd", "challenge")], [row()], "change"],
  [
    "wanted in another mode by an id that is not known",
    [want("sshd", "challenge")],
    [row({ id: null })],
    "add",
  ],
  ["wanted where there is no room", [{ ...want("sshd"), outside: true }], [], null],
  [
    "there and wanted where there is no room any more",
    [{ ...want("sshd"), outside: true }],
    [row()],
    "remove",
  ],
  ["wanted and somebody else's", [want("sshd")], [row({ owned: false, mode: "whitelist" })], null],
  ["wanted and only at another place", [want("sshd")], [row({ place: "zone:2" })], "add"],
  ["not wanted and not there", [], [], null],
  ["not wanted and there", [], [row()], "remove"],
  ["not wanted and perhaps there", [], [row({ id: null })], "remove"],
  ["not wanted and somebody else's", [], [row({ owned: false })], "forget"],
  ["wanted only by a profile that blocks elsewhere", [want("sshd", "block", "client-b")], [row()], "remove"],
])("a network %s gets the right step", (_, wants, rows, kind) => {
  expect(plan(due(wants, rows), site)?.kind ?? null).toBe(kind);
});

test.each<[string, Want[], EdgeRow[], Step["kind"] | null]>([
  ["wanted in its mode", [want("sshd", "challenge")], [], "add"],
  ["wanted in another mode", [want("sshd")], [], null],
  ["there and wanted in another mode", [want("sshd")], [row({ mode: "challenge" })], "remove"],
  [
    "there, and another jail wants a stricter mode",
    [want("a", "challenge"), want("b")],
    [row({ mode: "challenge" })],
    "remove",
  ],
  ["somebody else's and wanted in another mode", [want("sshd")], [row({ owned: false })], "forget"],
])("a network %s gets the right step at a place of one mode", (_, wants, rows, kind) => {
  expect(plan(due(wants, rows), { ...site, mode: "challenge" })?.kind ?? null).toBe(kind);
});

test("the strictest mode wins, and the newest jail that asks for it is named", () => {
  const wants = [want("old"), want("sshd"), want("nginx", "managed_challenge")];
  expect(plan(due(wants, []), site)).toEqual({ kind: "add", network, mode: "block", jail: "sshd" });
});

const wants = fc.array(
  fc.record({
    profile: fc.constantFrom("", "client-a", "client-b"),
    jail: fc.constantFrom("sshd", "nginx", "recidive"),
    mode: fc.constantFrom(...modes),
    outside: fc.boolean(),
  }),
  { maxLength: 4 },
);
const rows = fc.uniqueArray(
  fc.record({
    place: fc.constantFrom("zone:1", "zone:2"),
    network: fc.constant(network.text),
    id: fc.constantFrom("r1", "r2", null),
    mode: fc.constantFrom(...modes, "whitelist" as const, null),
    owned: fc.boolean(),
  }),
  { selector: ({ place }) => place },
);

test("after the step the edge agrees with the wishes, and there is nothing more to do", () => {
  fc.assert(
    fc.property(wants, rows, (wanted, known) => {
      const after = applied(plan(due(wanted, known), site), known);
      expect(plan(due(wanted, after), site)).toBeNull();
      const mode = strictest(
        wanted
          .filter(({ profile, outside }) => site.profiles.has(profile) && !outside)
          .map((one) => one.mode),
      );
      const there = after.find(({ place }) => place === site.place);
      if (there?.owned === true) expect(there.mode).toBe(mode);
      else expect(there === undefined).toBe(mode === null);
      expect(after.filter(({ place }) => place !== site.place)).toEqual(
        known.filter(({ place }) => place !== site.place),
      );
    }),
    { numRuns: 500 },
  );
});

test("somebody else's rule is never added to, changed or removed", () => {
  fc.assert(
    fc.property(wants, rows, (wanted, known) => {
      const foreign = known.map((one) => ({ ...one, owned: false }));
      fc.pre(foreign.some(({ place }) => place === site.place));
      expect([null, "forget"]).toContain(plan(due(wanted, foreign), site)?.kind ?? null);
    }),
  );
});

test("the steps at a place are those that plan gives each network that is wanted or there", () => {
  const others = ["203.0.113.8", "203.0.113.9"];
  fc.assert(
    fc.property(wants, rows, (wanted, known) => {
      const entries = known
        .filter(({ place }) => place === site.place)
        .map((one) => ({ ...one, jail: null }));
      const more = others.map((text) => ({ ...want("sshd"), host: "web1", address: text, network: text }));
      const all = [
        ...wanted.map((one) => ({ ...one, host: "web1", address: network.text, network: network.text })),
        ...more,
      ];
      const steps = stepsAt(site, all, entries);
      const step = plan(due(wanted, known), site);
      expect(steps.filter((one) => one.network.text === network.text)).toEqual(
        step === null || step.kind === "forget" ? [] : [step],
      );
      expect(steps.filter((one) => one.network.text !== network.text)).toMatchObject(
        others.map((text) => ({ kind: "add", network: { text } })),
      );
    }),
  );
});

/** The rows after a step has been made at an edge that does as it is told. */
function applied(step: Step | null, known: readonly EdgeRow[]): readonly EdgeRow[] {
  if (step === null) return known;
  const others = known.filter(({ place }) => place !== site.place);
  if (step.kind === "remove" || step.kind === "forget") return others;
  const id = step.kind === "change" ? step.id : "new";
  return [...others, row({ id, mode: step.mode })];
}
