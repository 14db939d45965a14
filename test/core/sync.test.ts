import { expect, test } from "bun:test";
import fc from "fast-check";
import { modes } from "../../src/core/hold.ts";
import type { Known } from "../../src/core/journal.ts";
import type { EdgeRow, Entry } from "../../src/core/ports.ts";
import { difference } from "../../src/core/sync.ts";

type Row = Omit<EdgeRow, "place">;

const network = fc.constantFrom(
  "203.0.113.1",
  "203.0.113.2",
  "203.0.113.3",
  "2001:db8::1",
  "198.51.100.0/24",
);
const fields = {
  network,
  mode: fc.constantFrom(...modes, "whitelist" as const, null),
  owned: fc.boolean(),
};
const rows = fc.uniqueArray(fc.record({ ...fields, id: fc.constantFrom("a", "b", null) }), {
  selector: (row) => row.network,
});
const entries = fc.uniqueArray(
  fc
    .record({ ...fields, id: fc.constantFrom("a", "b") })
    .map((row): Entry => ({ ...row, jail: row.owned ? "sshd" : null })),
  { selector: (entry) => entry.network },
);

test("what is gone, what is unknown and what was changed are told apart", () => {
  const ours = (text: string, id: string | null): Row => ({ network: text, id, mode: "block", owned: true });
  const result = difference(
    [
      ours("203.0.113.1", "a"),
      ours("203.0.113.2", "b"),
      { ...ours("203.0.113.3", null), mode: null },
      ours("203.0.113.6", null),
    ],
    [
      { ...ours("203.0.113.2", "b"), mode: "challenge", jail: "sshd" },
      { ...ours("203.0.113.3", "c"), jail: "sshd" },
      { ...ours("203.0.113.4", "d"), jail: "sshd" },
      { ...ours("203.0.113.5", "e"), owned: false, jail: null },
      { ...ours("203.0.113.6", "f"), jail: "sshd" },
    ],
  );
  expect(result.missing).toEqual(["203.0.113.1"]);
  expect(result.changed).toEqual(["203.0.113.2", "203.0.113.3"]);
  expect(result.found.map((entry) => entry.network)).toEqual(["203.0.113.4"]);
  expect(result.learned).toEqual(["203.0.113.6"]);
  expect(result.known.find((one) => one.network === "203.0.113.6")?.row?.id).toBe("f");
  expect(result.total).toBe(5);
});

test("once the journal has learnt the difference, there is none", () => {
  fc.assert(
    fc.property(rows, entries, (before, there) => {
      const after = learnt(before, difference(before, there).known);
      const again = difference(after, there);
      expect(again).toMatchObject({ known: [], missing: [], found: [], changed: [] });
      expect(after.every((row) => there.some((entry) => entry.network === row.network))).toBe(true);
      const ours = there.filter(({ owned }) => owned).map((entry) => entry.network);
      expect(after.map((row) => row.network)).toEqual(expect.arrayContaining(ours));
    }),
  );
});

test("an edge that is as the journal knows it differs in nothing, whatever foreign rules stand beside", () => {
  fc.assert(
    fc.property(entries, (there) => {
      const known = there.filter(({ owned }) => owned).map(({ jail: _, ...row }) => row);
      expect(difference(known, there).known).toEqual([]);
    }),
  );
});

test("the journal learns nothing of what it knows already, and each network once", () => {
  fc.assert(
    fc.property(rows, entries, (before, there) => {
      const { known, missing, found, changed, learned } = difference(before, there);
      const networks = known.map((one) => one.network);
      expect(new Set(networks).size).toBe(networks.length);
      expect(networks.toSorted()).toEqual(
        [...missing, ...found.map((entry) => entry.network), ...changed, ...learned].toSorted(),
      );
    }),
  );
});

function learnt(before: readonly Row[], known: readonly Known[]): Row[] {
  const after = new Map(before.map((row) => [row.network, row]));
  for (const { network, row } of known) {
    if (row === null) after.delete(network);
    else after.set(network, { network, id: row.id, mode: row.mode, owned: row.owned });
  }
  return [...after.values()];
}
