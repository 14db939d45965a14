import { timestamp } from "../core/text.ts";

/** Lines of aligned columns under their headings: texts to the left, numbers to the right. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): readonly string[] {
  const lines = [headings, ...rows];
  const columns = headings.map((_, column) => ({
    width: Math.max(...lines.map((line) => String(line[column] ?? "").length)),
    isNumber: rows.some((row) => typeof row[column] === "number"),
  }));
  return lines.map((line) =>
    columns
      .map(({ width, isNumber }, column) => {
        const cell = String(line[column] ?? "");
        return isNumber ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** A number with its noun, as "1 jail" or "2 jails". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A moment to the second, in local time. */
export function moment(at: number): string {
  return timestamp(at).slice(0, "2026-01-31 23:59:59".length);
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A duration in its largest unit, and the next one where that says much: "4 s", "12 min", "3 h 5 min". */
export function span(ms: number): string {
  const index = units.findIndex(([, unitMs]) => ms >= unitMs);
  const [unit, unitMs] = units[index] ?? ["s", 1_000];
  const count = Math.max(0, Math.floor(ms / unitMs));
  const [smaller, smallerMs] = units[index + 1] ?? ["s", unitMs];
  const rest = Math.floor((ms - count * unitMs) / smallerMs);
  const isLong = unit === "d" || unit === "h";
  return isLong && rest > 0 ? `${count} ${unit} ${rest} ${smaller}` : `${count} ${unit}`;
}
