import { expect, test } from "bun:test";
import fc from "fast-check";
import { countOut, leftOut } from "../../src/core/room.ts";
import type { Occupancy } from "../../src/core/room.ts";

type There = Occupancy["there"][number];

/** Items of ours at a place, put there by a profile. */
const at = (place: string, profile: string, networks: readonly string[]) =>
  networks.map((network): There => ({ place, profile, network, owned: true }));
const by = (profile: string, networks: readonly string[]) =>
  networks.map((network) => ({ profile, network }));
/** Two profiles with a list each, and two that share one. */
const places = new Map([
  ["pool:one", new Set(["p"])],
  ["pool:two", new Set(["q"])],
  ["pool:three", new Set(["r", "s"])],
  ["pool:three_challenge", new Set(["s", "r"])],
]);
const foreign: There = { place: "pool:one", profile: "p", network: "a", owned: false };
const ofP = (networks: string) => at("pool:one", "p", [...networks]);

test.each([
  ["all when there is room", "cba", ofP("a"), 3, {}],
  ["all but the oldest", "cba", [], 2, { a: "out" }],
  ["the newest as soon as the oldest has left", "cba", ofP("ba"), 2, { c: "waiting", a: "out" }],
  ["none where there is no room at all", "ba", [], 0, { b: "out", a: "out" }],
  ["what comes back as soon as what nobody holds has left", "ba", ofP("bx"), 2, { a: "waiting" }],
  [
    "one that is there twice while it moves",
    "ba",
    [...ofP("a"), ...at("pool:old", "p", ["a"])],
    2,
    { b: "waiting" },
  ],
  ["one that is somebody else's there", "ba", [foreign], 2, {}],
  [
    "one that has not left a full list for another yet",
    "ba",
    [...at("pool:old", "p", ["b"]), ...ofP("a")],
    2,
    {},
  ],
  [
    "one that has not left a full list that another profile uses",
    "ba",
    [...at("pool:two", "p", ["b"]), ...ofP("a")],
    2,
    {},
  ],
  [
    "the newest as soon as as many have left as a profile that is gone has items",
    "cba",
    [...ofP("ba"), ...at("pool:old", "gone", ["b"])],
    3,
    { c: "waiting", a: "out" },
  ],
  [
    "one whose item is of a profile that is gone",
    "ba",
    [...at("pool:one", "gone", ["a"]), ...ofP("b")],
    2,
    {},
  ],
] satisfies [string, string, There[], number, object][])(
  "in is %s",
  (_, held: string, there, room, states) => {
    const outside = leftOut({ held: by("p", [...held]), there, places, room });
    const found = outside.map(({ network, waiting }) => [network, waiting ? "waiting" : "out"]);
    expect(Object.fromEntries(found)).toEqual(states);
  },
);

test("a network takes the room of as many items as there are lists that it is wanted in", () => {
  const everybody = ["b", "a"].flatMap((network) =>
    ["p", "q", "r", "s"].flatMap((one) => by(one, [network])),
  );
  const outside = leftOut({ held: everybody, there: [], places, room: 4 });
  expect(outside.map(({ profile, network }) => profile + network)).toEqual(["qa", "ra", "sa"]);
  expect(countOut(outside)).toBe(1);
});

const keyOf = ({ place, network: of }: There): string => `${place} ${of}`;
const network = fc.nat(8).map(String);
const holds = fc.uniqueArray(fc.record({ profile: fc.constantFrom("p", "q", "r", "s"), network }), {
  selector: (one) => one.profile + one.network,
  maxLength: 25,
});
const rows = fc.uniqueArray(
  fc.record({
    place: fc.constantFrom(...places.keys(), "pool:old"),
    network,
    profile: fc.constantFrom("p", "q", "r", "s", "gone"),
    owned: fc.constant(true),
  }),
  { selector: keyOf, maxLength: 25 },
);

test("what is let in fits; in the end the newest that fit are in, and nothing changes any more", () => {
  fc.assert(
    fc.property(holds, rows, fc.nat(25), (held, before, room) => {
      const listOf = (one: string): string => [...places].find(([, users]) => users.has(one))?.[0] ?? "";
      const all = held.flatMap((one) => at(listOf(one.profile), one.profile, [one.network]));
      const items = [...new Map(all.map((one) => [keyOf(one), one])).values()];
      const isHeldAt = ({ place, network: of }: There): boolean =>
        held.some((one) => one.network === of && places.get(place)?.has(one.profile) === true);
      const left = before.filter((one) => one.profile === "gone" && !isHeldAt(one));
      let there: readonly There[] = before;
      // As couriers do: what comes is added, what is not to be there removed, and what moves added once it has left.
      for (let round = 0; round < 5; round += 1) {
        const out = new Set(leftOut({ held, there, places, room }).map((one) => one.profile + one.network));
        const wanted = items.filter((one) => !out.has(one.profile + one.network));
        const [known, networks] = [new Set(there.map(keyOf)), new Set(there.map((one) => one.network))];
        const comes = wanted.filter((one) => !known.has(keyOf(one)));
        const fresh = comes.filter((one) => !networks.has(one.network));
        expect(there.length + fresh.length).toBeLessThanOrEqual(Math.max(room, there.length));
        const isIn = new Set([...wanted, ...left].map(keyOf));
        const stay = [...there.filter((one) => isIn.has(keyOf(one))), ...fresh];
        const moves = comes.filter((one) => networks.has(one.network));
        there = [...stay, ...moves.slice(0, Math.max(0, room - stay.length))];
      }
      const fitting = items.slice(0, Math.max(0, room - left.length));
      expect(new Set(there.map(keyOf))).toEqual(new Set([...fitting, ...left].map(keyOf)));
      const end = leftOut({ held, there, places, room });
      expect(end.filter(({ waiting }) => waiting)).toEqual([]);
    }),
  );
});
