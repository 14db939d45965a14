import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Slot } from "../../src/core/budget.ts";
import { slotOf, windowMs } from "../../src/core/budget.ts";
import { gate } from "../../src/core/gate.ts";
import type { CallLedger, Pause } from "../../src/core/call-ledger.ts";
import { Failure } from "../../src/errors.ts";

const startAt = 1_800_000_000_000;

/** A ledger in memory whose every answer takes a turn of the event loop, as a slow disk's may. */
function memoryLedger(): CallLedger & { readonly spent: () => number } {
  const slots = new Map<number, Slot>();
  const pauses = new Map<string, Pause>();
  const turn = () => Promise.resolve();
  return {
    spent: () => slots.values().reduce((sum, { calls }) => sum + calls, 0),
    async slots() {
      await turn();
      return [...slots.values()];
    },
    async spend(_, calls, now) {
      await turn();
      const before = slots.get(slotOf(now))?.calls ?? 0;
      slots.set(slotOf(now), { startAt: slotOf(now), calls: Math.max(0, before + calls) });
    },
    async pause(subject) {
      await turn();
      return pauses.get(subject) ?? null;
    },
    async setPause(subject, pause) {
      await turn();
      if (pause === null) pauses.delete(subject);
      else pauses.set(subject, pause);
    },
    async clearPauses() {},
  };
}

function door(budget = 100, ledger = memoryLedger()) {
  const clock = { now: startAt };
  const options = { credential: "c", budget, now: () => clock.now, random: () => 0.5 };
  return { clock, ledger, open: gate(ledger, options), another: () => gate(ledger, options) };
}

/** How many of so many simultaneous calls were let through. */
async function admitted(open: ReturnType<typeof gate>, calls: number): Promise<number> {
  const ends = await Promise.allSettled(Array.from({ length: calls }, () => open.admit()));
  const refusals = ends.filter((end) => end.status === "rejected").map(({ reason }) => reason);
  for (const reason of refusals) {
    expect(reason).toBeInstanceOf(Failure);
    expect(reason).toMatchObject({ kind: "unavailable", retryAfterMs: expect.any(Number) });
  }
  return calls - refusals.length;
}

test("a pause that Cloudflare asks for stops every call until its end", async () => {
  const { clock, open } = door();
  await open.limited(30_000, "fewer calls");
  expect(await open.openAt()).toBe(startAt + 30_000);
  expect(await admitted(open, 3)).toBe(0);
  clock.now += 30_000;
  expect(await admitted(open, 3)).toBe(3);
});

test.each([
  ["none", undefined, 60_000],
  ["zero", 0, 1_000],
  ["a day", 86_400_000, 900_000],
  ["for ever", Number.POSITIVE_INFINITY, 900_000],
])("a pause of %s is made one that can be lived with", async (_, asked, pauseMs) => {
  const { open } = door();
  await open.limited(asked, "fewer calls");
  expect((await open.openAt()) - startAt).toBe(pauseMs);
});

test("a pause that lies further ahead than any that we obey is the clock's mistake", async () => {
  const { clock, open } = door();
  await open.limited(60_000, "fewer calls");
  clock.now -= 86_400_000;
  expect(await admitted(open, 1)).toBe(1);
});

test("after failures one call at a time is tried, and waits grow until one works", async () => {
  const { clock, open } = door();
  expect(await open.room(64)).toBe(64);
  expect(await open.failed("no route")).toBe(true);
  expect(await open.room(64)).toBe(1);
  const first = (await open.openAt()) - clock.now;
  expect(await open.failed("no route")).toBe(false);
  expect((await open.openAt()) - clock.now).toBeGreaterThan(first);
  await open.hurry();
  expect(await open.openAt()).toBeLessThanOrEqual(clock.now);
  expect(await open.worked()).toBe(true);
  expect(await open.worked()).toBe(false);
  expect(await open.room(64)).toBe(64);
});

test("our own hurry does not shorten a pause that Cloudflare asked for", async () => {
  const { open } = door();
  await open.limited(30_000, "fewer calls");
  await open.hurry();
  expect(await open.openAt()).toBe(startAt + 30_000);
});

test("of calls at once, as many are let through as the budget has, and all are accounted for", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.nat(120), async (budget, calls) => {
      const { open, ledger } = door(budget);
      const made = await admitted(open, calls);
      expect(made).toBe(Math.min(budget, calls));
      expect(ledger.spent()).toBeGreaterThanOrEqual(made);
      expect(ledger.spent()).toBeLessThanOrEqual(budget);
      await open.close();
      expect(ledger.spent()).toBe(made);
    }),
  );
});

const bursts = fc.array(
  fc.record({
    passesMs: fc.oneof(fc.nat(2_000), fc.nat(windowMs)),
    calls: fc.nat(40),
    successor: fc.boolean(),
  }),
  { maxLength: 20 },
);

test("over bursts and consecutive couriers no window holds more than the budget, and none is lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 60 }), bursts, async (budget, all) => {
      const { clock, ledger, open, another } = door(budget);
      const made: { readonly madeAt: number; readonly count: number }[] = [];
      let current = open;
      for (const { passesMs, calls, successor } of all) {
        clock.now += passesMs;
        made.push({ madeAt: clock.now, count: await admitted(current, calls) });
        if (!successor) continue;
        await current.close();
        current = another();
      }
      await current.close();
      const sum = (part: typeof made) => part.reduce((total, { count }) => total + count, 0);
      for (const { madeAt: end } of made) {
        const window = made.filter(({ madeAt }) => madeAt <= end && madeAt > end - windowMs);
        expect(sum(window)).toBeLessThanOrEqual(budget);
      }
      expect(ledger.spent()).toBe(sum(made));
    }),
  );
});

test("any order of failures, successes and pauses leaves a gate that opens within fifteen minutes", async () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constantFrom("failed", "worked", "hurry", "admit"), ms: fc.nat(100_000) }),
    fc.record({ kind: fc.constant("limited"), ms: fc.oneof(fc.double(), fc.constant(undefined)) }),
    fc.record({ kind: fc.constant("clock"), ms: fc.integer({ min: -5e10, max: 5e10 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
      const { clock, open } = door(10);
      for (const { kind, ms } of events) {
        if (kind === "failed") await open.failed("no route");
        else if (kind === "worked") await open.worked();
        else if (kind === "hurry") await open.hurry();
        else if (kind === "admit") await admitted(open, 3);
        else if (kind === "limited") await open.limited(ms, "fewer calls");
        else clock.now += ms ?? 0;
      }
      expect(await open.openAt()).toBeLessThanOrEqual(clock.now + 900_000);
    }),
  );
});
