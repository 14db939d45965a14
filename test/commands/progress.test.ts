import { expect, test } from "bun:test";
import { openProgress } from "../../src/commands/progress.ts";
import type { Terminal } from "../../src/runtime.ts";
import { testRuntime } from "../support/runtime.ts";

/** A terminal that keeps what is written to it. */
function recorder(columns = 40): Terminal & { readonly written: string[] } {
  const written: string[] = [];
  return {
    written,
    columns,
    rows: 24,
    write: (text) => void written.push(text),
  };
}

const clear = "\r\u001b[K";

test("on a terminal one line is drawn anew, not more often than eyes can follow, and goes at the end", () => {
  const terminal = recorder();
  const clock = { now: 0 };
  const runtime = testRuntime({ terminal: () => terminal, now: () => clock.now });
  {
    using progress = openProgress(runtime);
    for (clock.now = 0; clock.now < 250; clock.now += 10) progress.step("Removing", clock.now, 1_000);
    progress.step("Comparing", 1);
  }
  expect(terminal.written).toEqual([
    `${clear}Removing: 0 of 1000 (0 %)`,
    `${clear}Removing: 100 of 1000 (10 %)`,
    `${clear}Removing: 200 of 1000 (20 %)`,
    `${clear}Comparing: 1`,
    clear,
  ]);
});

test("a line of the talk or the result stands above the progress, which is as wide as the terminal at most", () => {
  const terminal = recorder(12);
  const runtime = testRuntime({ terminal: () => terminal });
  using progress = openProgress(runtime);
  progress.runtime.talk("before");
  expect(terminal.written).toEqual([]);
  progress.step("Delivering", 1, 2);
  progress.runtime.print("result");
  progress.runtime.talk("after");
  expect(terminal.written).toEqual([
    `${clear}Delivering:`,
    clear,
    `${clear}Delivering:`,
    clear,
    `${clear}Delivering:`,
  ]);
  expect([runtime.printed, runtime.talked]).toEqual([["result"], ["before", "after"]]);
});

test("elsewhere there is a line for each tenth, and none for work that is soon over", () => {
  const clock = { now: 0 };
  const runtime = testRuntime({ now: () => clock.now });
  using progress = openProgress(runtime);
  for (let done = 0; done <= 300; done += 1) progress.step("Delivering", done, 1_000);
  expect(runtime.talked).toEqual([]);
  clock.now = 2_000;
  for (let done = 301; done <= 1_000; done += 1) progress.step("Delivering", done, 1_000);
  expect(runtime.talked).toEqual(
    [301, 400, 500, 600, 700, 800, 900, 1_000].map(
      (done) => `Delivering: ${done} of 1000 (${Math.floor(done / 10)} %)`,
    ),
  );
});

test("elsewhere, and without a total, there is a line each time that twice as much is done", () => {
  const clock = { now: 0 };
  const runtime = testRuntime({ now: () => clock.now });
  using progress = openProgress(runtime);
  clock.now = 2_000;
  for (let done = 1; done <= 1_000; done += 1) progress.step("Comparing", done);
  expect(runtime.talked).toEqual([1, 3, 7, 15, 31, 63, 127, 255, 511].map((done) => `Comparing: ${done}`));
});
