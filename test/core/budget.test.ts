import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Slot } from "../../src/core/budget.ts";
import { admittedAt, allowance, freeAt, slotMs, slotOf, windowMs } from "../../src/core/budget.ts";

const at = 1_800_000_000_000;

test.each([
  ["nothing spent", [], 100],
  ["calls just made", [{ startAt: at, calls: 30 }], 70],
  ["calls about to leave the window", [{ startAt: at - windowMs, calls: 30 }], 70],
  ["calls that have left it", [{ startAt: at - windowMs - 10_000, calls: 30 }], 100],
  ["calls from before the clock was set back", [{ startAt: at + windowMs - 1, calls: 30 }], 70],
  ["calls from a clock that was far wrong", [{ startAt: at + windowMs, calls: 30 }], 100],
  ["more than the budget", [{ startAt: at, calls: 300 }], 0],
])("with %s, the rest of the budget is left", (_, slots, left) => {
  expect(allowance(slots, at, 100)).toBe(left);
});

/** What happens next: time passes, perhaps the clock jumps, and so many calls are wanted. */
const step = fc.record({
  passesMs: fc.oneof(fc.nat(100), fc.nat(10_000), fc.nat(windowMs)),
  jumpsMs: fc.constant(0),
  wants: fc.oneof(fc.nat(5), fc.nat(60)),
});

/** Calls as `allowance` admits them, by true time, and the slots that are left in the journal. */
function admitted(steps: readonly { passesMs: number; jumpsMs: number; wants: number }[], budget: number) {
  const slots = new Map<number, Slot>();
  const calls: { readonly trueAt: number; readonly count: number }[] = [];
  let [trueAt, now] = [at, at];
  for (const { passesMs, jumpsMs, wants } of steps) {
    trueAt += passesMs;
    now += passesMs + jumpsMs;
    const count = Math.min(wants, allowance([...slots.values()], now, budget));
    const startAt = slotOf(now);
    slots.set(startAt, { startAt, calls: (slots.get(startAt)?.calls ?? 0) + count });
    calls.push({ trueAt, count });
  }
  return { calls, slots: [...slots.values()], now };
}

/** The most calls that any window of Cloudflare's has seen. */
function busiest(calls: readonly { readonly trueAt: number; readonly count: number }[]): number {
  const sums = calls.map(({ trueAt: end }) =>
    calls
      .filter(({ trueAt }) => trueAt <= end && trueAt > end - windowMs)
      .reduce((sum, { count }) => sum + count, 0),
  );
  return Math.max(0, ...sums);
}

const steps = fc.array(step, { maxLength: 80 });
const budget = fc.integer({ min: 1, max: 100 });

test("no window of five minutes ever holds more calls than the budget", () => {
  fc.assert(
    fc.property(steps, budget, (all, most) => {
      expect(busiest(admitted(all, most).calls)).toBeLessThanOrEqual(most);
    }),
    { numRuns: 300 },
  );
});

test("nor when the clock is set back, as long as by less than a window", () => {
  fc.assert(
    fc.property(steps, budget, fc.nat(79), fc.nat(windowMs - slotMs), (all, most, index, backMs) => {
      const jumping = all.map((one, place) => (place === index ? { ...one, jumpsMs: -backMs } : one));
      expect(busiest(admitted(jumping, most).calls)).toBeLessThanOrEqual(most);
    }),
    { numRuns: 300 },
  );
});

test("a jump of the clock, however far, costs at most one more budget and freezes nothing", () => {
  const far = fc.integer({ min: -10 * 365 * 86_400_000, max: 10 * 365 * 86_400_000 });
  fc.assert(
    fc.property(steps, budget, fc.nat(79), far, (all, most, index, jumpsMs) => {
      const jumping = all.map((one, place) => (place === index ? { ...one, jumpsMs } : one));
      const { calls, slots, now } = admitted(jumping, most);
      expect(busiest(calls)).toBeLessThanOrEqual(2 * most);
      expect(freeAt(slots, now) - now).toBeLessThanOrEqual(2 * windowMs + 2 * slotMs);
    }),
    { numRuns: 300 },
  );
});

test("once the budget is spent, calls are possible again at freeAt and not before", () => {
  fc.assert(
    fc.property(steps, budget, (all, most) => {
      const { slots, now } = admitted(all, most);
      fc.pre(allowance(slots, now, most) === 0);
      const free = freeAt(slots, now);
      expect(free).toBeGreaterThan(now);
      expect(allowance(slots, free - 1, most)).toBe(0);
    }),
  );
});

test("a slot begins at most its length ago", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 45 }), (now) => {
      expect(slotOf(now)).toBeLessThanOrEqual(now);
      expect(now - slotOf(now)).toBeLessThan(slotMs);
    }),
  );
});

/** When so many calls have been made by somebody who makes each as soon as `allowance` admits it. */
function madeAt(calls: number, slots: readonly Slot[], budget: number): number {
  const made = [...slots];
  let now = at;
  for (let left = calls; ; now = freeAt(made, now)) {
    const count = Math.min(left, allowance(made, now, budget));
    made.push({ startAt: now, calls: count });
    left -= count;
    if (left === 0) return now;
  }
}

test("the end of a backlog is when calls made as soon as they may be have all been made", () => {
  const slot = fc.record({ startAt: fc.integer({ min: at - windowMs, max: at }), calls: fc.nat(30) });
  fc.assert(
    fc.property(fc.array(slot, { maxLength: 8 }), budget, fc.nat(500), (slots, most, calls) => {
      expect(admittedAt(calls, { slots, now: at, budget: most })).toBe(madeAt(calls, slots, most));
    }),
  );
});
