import { expect, test } from "bun:test";
import fc from "fast-check";
import { pooled } from "../../src/core/pool.ts";

const never = new AbortController().signal;
const turns = fc.array(fc.nat(5), { maxLength: 40 });

test("every item is worked on once, and no more at a time than allowed", async () => {
  await fc.assert(
    fc.asyncProperty(turns, fc.integer({ min: 1, max: 10 }), async (items, concurrency) => {
      let [running, most] = [0, 0];
      const work = async (turns: number): Promise<number> => {
        most = Math.max(most, (running += 1));
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        running -= 1;
        return turns;
      };
      const results = await Array.fromAsync(pooled(items, work, { concurrency, signal: never }));
      expect(results.toSorted()).toEqual(items.toSorted());
      expect(most).toBeLessThanOrEqual(Math.min(concurrency, items.length));
    }),
  );
});

test("after an abort none begins, and those under way are waited for", async () => {
  await fc.assert(
    fc.asyncProperty(
      turns,
      fc.integer({ min: 1, max: 10 }),
      fc.nat(40),
      async (items, concurrency, after) => {
        const controller = new AbortController();
        let begun = 0;
        const work = async (turns: number): Promise<boolean> => {
          expect(controller.signal.aborted).toBe(false);
          if ((begun += 1) > after) controller.abort();
          for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
          return true;
        };
        const results = await Array.fromAsync(
          pooled(items, work, { concurrency, signal: controller.signal }),
        );
        expect(results).toHaveLength(begun);
        expect(begun).toBeLessThanOrEqual(after + 1);
      },
    ),
  );
});
