/** A goal, and what came of it. */
export interface Goal {
  readonly text: string;
  readonly value: number;
  /** The bound that the value must not pass. */
  readonly most?: number;
  /** The bound that the value must reach. */
  readonly least?: number;
  readonly unit: "×" | "MiB" | "calls";
}

/** One chapter of docs/benchmarks.md. */
export interface Section {
  readonly title: string;
  /** How it was measured. */
  readonly how: string;
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly goals: readonly Goal[];
  /** What stands between the figures and the physical limits. */
  readonly limits: readonly string[];
}

export function holds({ value, most = Infinity, least = -Infinity }: Goal): boolean {
  return value <= most && value >= least;
}

export function renderSection({ title, how, headings, rows, goals, limits }: Section): string {
  const table = [headings, headings.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return [`## ${title}`, how, table.join("\n"), goals.map(renderGoal).join("\n"), ...limits]
    .filter((part) => part !== "")
    .join("\n\n");
}

function renderGoal(goal: Goal): string {
  const { text, value, most, least, unit } = goal;
  const bound = most === undefined ? `at least ${least} ${unit}` : `at most ${most} ${unit}`;
  return `- ${holds(goal) ? "✓" : "✗"} ${text}: **${figure(value)} ${unit}** (${bound})`;
}

/** Three significant digits, without an exponent. */
export function figure(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
