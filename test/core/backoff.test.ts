import { expect, test } from "bun:test";
import fc from "fast-check";
import { backoffMs } from "../../src/core/backoff.ts";

const retry = { baseMs: 1_000, capMs: 300_000 };

test.each([
  [1, 500, 1_000],
  [2, 1_000, 2_000],
  [5, 8_000, 16_000],
  [9, 128_000, 256_000],
  [10, 150_000, 300_000],
  [1_000_000, 150_000, 300_000],
])("after failure %d the wait is from %d to %d ms", (failures, least, most) => {
  expect(backoffMs(failures, () => 0, retry)).toBe(least);
  expect(backoffMs(failures, () => 1 - Number.EPSILON, retry)).toBe(most);
});

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const options = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 3_600_000 }))
  .map(([baseMs, factor]) => ({ baseMs, capMs: baseMs + factor }));

test("a wait is never shorter than half the base nor longer than the cap", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -5, max: 10_000 }),
      unit,
      options,
      (failures, chance, { baseMs, capMs }) => {
        const wait = backoffMs(failures, () => chance, { baseMs, capMs });
        expect(wait).toBeGreaterThanOrEqual(Math.floor(baseMs / 2));
        expect(wait).toBeLessThanOrEqual(capMs);
      },
    ),
  );
});

test("waits grow with the failures until the cap", () => {
  fc.assert(
    fc.property(fc.nat(100), unit, options, (failures, chance, limits) => {
      const [now, next] = [failures, failures + 1].map((count) => backoffMs(count, () => chance, limits));
      expect(next).toBeGreaterThanOrEqual(now ?? Number.NaN);
    }),
  );
});

test("however the dice fall, a wait is at least as long as the longest before the last", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), unit, unit, options, (failures, one, other, limits) => {
      const later = backoffMs(failures + 1, () => one, limits);
      const full = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(failures, 30));
      expect(later).toBeGreaterThanOrEqual(Math.floor(full / 2));
      expect(backoffMs(failures, () => other, limits)).toBeLessThanOrEqual(full);
    }),
  );
});
