import { expect, test } from "bun:test";
import fc from "fast-check";
import { leftOut } from "../../src/core/room.ts";

const at = (...networks: string[]) => new Map(networks.map((network) => [network, 1]));

test.each([
  ["all when there is room", ["c", "b", "a"], at("a"), 3, []],
  ["all but the oldest", ["c", "b", "a"], at(), 2, [["a", "out"]]],
  [
    "the newest as soon as the oldest has left",
    ["c", "b", "a"],
    at("b", "a"),
    2,
    [
      ["c", "waiting"],
      ["a", "out"],
    ],
  ],
  [
    "none where there is no room at all",
    ["b", "a"],
    at(),
    0,
    [
      ["b", "out"],
      ["a", "out"],
    ],
  ],
  ["what comes back as soon as what nobody holds has left", ["b", "a"], at("b", "x"), 2, [["a", "waiting"]]],
  ["one that is there twice while it moves", ["b", "a"], new Map([["a", 2]]), 2, [["b", "waiting"]]],
  ["one that is somebody else's there", ["b", "a"], new Map([["a", 0]]), 2, []],
] as const)("in is %s", (_, held, there, room, outside) => {
  expect([...leftOut({ held, there, room })]).toEqual(outside.map(([network, state]) => [network, state]));
});

const networks = fc.uniqueArray(fc.nat(30).map(String), { maxLength: 20 });

test("what is let in fits, is the newest, and all that fits is in once what leaves has left", () => {
  fc.assert(
    fc.property(networks, networks, fc.nat(25), (held, present, room) => {
      const there = at(...present);
      const outside = leftOut({ held, there, room });
      const comes = held.filter((network) => !outside.has(network) && !there.has(network));
      expect(there.size + comes.length).toBeLessThanOrEqual(Math.max(room, there.size));
      expect(held.filter((network) => outside.get(network) === "out")).toEqual(held.slice(room));
      const stays = held.filter((network) => !outside.has(network));
      const after = leftOut({ held, there: at(...stays), room });
      expect([...after.keys()]).toEqual(held.slice(room));
    }),
  );
});
