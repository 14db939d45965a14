import { test } from "bun:test";

type Run<Row extends readonly unknown[]> = (...row: [...Row]) => void | Promise<void>;

/** Bun's `test` as far as it is used here. */
export interface NeedingTest {
  (name: string, run: Run<[]>, deadlineMs?: number): void;
  each<const Row extends readonly [unknown, ...unknown[]]>(
    rows: readonly Row[],
  ): (name: string, run: Run<Row>, deadlineMs?: number) => void;
}

/** Tests that need something of the machine: where there is an obstacle they are skipped, and their names say why. */
export function needing(obstacle: string | null, defaultDeadlineMs?: number): NeedingTest {
  const chosen = test.skipIf(obstacle !== null);
  const named = (name: string): string => namedWith(obstacle, name);
  const one = (name: string, run: Run<[]>, deadlineMs = defaultDeadlineMs): void =>
    chosen(named(name), run, deadlineMs);
  return Object.assign(one, {
    each:
      <const Row extends readonly [unknown, ...unknown[]]>(rows: readonly Row[]) =>
      (name: string, run: Run<Row>, deadlineMs = defaultDeadlineMs): void =>
        chosen.each<readonly unknown[]>(rows)(
          named(name),
          (...row) => run(...(row as unknown as [...Row])),
          deadlineMs,
        ),
  });
}

/** The name of what is skipped where there is an obstacle; says it aloud. */
export function namedWith(obstacle: string | null, name: string): string {
  if (obstacle === null) return name;
  console.warn(`SKIPPED: ${name}: ${obstacle}`);
  return `${name} (${obstacle})`;
}
