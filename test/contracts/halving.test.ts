import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Ended } from "../../src/cloudflare/bulk.ts";
import { inBulk } from "../../src/cloudflare/halving.ts";
import type { Verdict } from "../../src/cloudflare/halving.ts";
import { Failure } from "../../src/errors.ts";

const never = new AbortController().signal;

/** A list with some room that fails as a whole for a bad one, and how often it was asked. */
function lists(bad: ReadonlySet<number>, room: number, how: "failed" | "refused" = "failed") {
  const added: number[] = [];
  let operations = 0;
  return {
    added,
    operations: () => operations,
    halving: {
      what: (one: number) => `ban ${one}`,
      async operate(part: readonly number[]): Promise<Ended> {
        operations += 1;
        if (part.some((one) => bad.has(one))) return { kind: how, reason: "a bad one" };
        if (added.length + part.length > room)
          return { kind: "failed", reason: "This list is at the maximum number of items" };
        added.push(...part);
        return { kind: "completed" };
      },
    },
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

function fates(verdicts: readonly Verdict<number>[]): Map<number, string> {
  return new Map(verdicts.map((one) => [one.one, "failure" in one ? one.failure.kind : one.ended]));
}

test("every one is told its fate once: the bad are refused, the others are in", async () => {
  const some = fc.record({
    count: fc.integer({ min: 2, max: 300 }),
    bad: fc.array(fc.nat(299), { maxLength: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(some, async ({ count, bad }) => {
      fc.pre(bad.filter((one) => one < count).length < count);
      const culprits = new Set(bad);
      const { halving, added } = lists(culprits, Infinity);
      const verdicts = await Array.fromAsync(inBulk(upTo(count), halving, never));
      expect(verdicts).toHaveLength(count);
      expect(fates(verdicts)).toEqual(
        new Map(upTo(count).map((one) => [one, culprits.has(one) ? "refused" : "completed"])),
      );
      expect(added.toSorted((a, b) => a - b)).toEqual(upTo(count).filter((one) => !culprits.has(one)));
    }),
  );
});

test("what does not fit is told so without further operations, and all that fits is in", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 500 }), fc.nat(500), async (count, room) => {
      const { halving, added, operations } = lists(new Set(), room);
      const verdicts = await Array.fromAsync(inBulk(upTo(count), halving, never));
      expect(added).toHaveLength(Math.min(room, count));
      const full = [...fates(verdicts)].filter(([, fate]) => fate === "full").map(([one]) => one);
      expect(full).toEqual(upTo(count).slice(room));
      expect(operations()).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(count + 1)) + 2);
    }),
  );
});

test("ten thousand go in two operations, and one bad one among them costs some twenty more", async () => {
  const good = lists(new Set(), Infinity);
  await Array.fromAsync(inBulk(upTo(10_000), good.halving, never));
  const bad = lists(new Set([7_777]), Infinity);
  await Array.fromAsync(inBulk(upTo(10_000), bad.halving, never));
  expect([good.operations(), bad.operations() <= 30]).toEqual([2, true]);
});

test("where all fails, a few operations show it, and none is given up", async () => {
  const { halving, operations } = lists(new Set(upTo(10_000)), Infinity);
  const verdicts: Verdict<number>[] = [];
  const failing = async () => {
    for await (const verdict of inBulk(upTo(10_000), halving, never)) verdicts.push(verdict);
  };
  await expect(failing()).rejects.toMatchObject({ kind: "unavailable" });
  expect(verdicts).toEqual([]);
  expect(operations()).toBeLessThan(60);
});

test.each([
  ["fails alone", "failed", "unavailable"],
  ["is not taken at all", "refused", "refused"],
] as const)("a single one that %s is %p: %s", async (_, how, kind) => {
  const { halving } = lists(new Set([0]), Infinity, how);
  const [verdict] = await Array.fromAsync(inBulk([0], halving, never));
  expect(verdict !== undefined && "failure" in verdict && verdict.failure).toMatchObject({ kind });
  expect(verdict !== undefined && "failure" in verdict && verdict.failure instanceof Failure).toBe(true);
});

test("nothing is begun after the signal", async () => {
  const { halving, operations } = lists(new Set(), Infinity);
  expect(await Array.fromAsync(inBulk(upTo(10), halving, AbortSignal.abort()))).toEqual([]);
  expect(operations()).toBe(0);
});
