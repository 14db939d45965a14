import { expect, test } from "bun:test";
import { moment, span, table } from "../../src/commands/table.ts";
import { wrapped } from "../../src/wrapped.ts";

test.each([
  [-5, "0 s"],
  [0, "0 s"],
  [59_999, "59 s"],
  [60_000, "1 min"],
  [3_599_999, "59 min"],
  [3_600_000, "1 h"],
  [11_100_000, "3 h 5 min"],
  [86_400_000, "1 d"],
  [360_000_000, "4 d 4 h"],
  [86_400_000 + 60_000, "1 d"],
])("%d ms are %s", (ms, text) => {
  expect(span(ms)).toBe(text);
});

test("columns are as wide as their longest cell, numbers stand to the right", () => {
  const rows = [
    ["a", 5, "x"],
    ["longer", 1_000, ""],
  ];
  expect(table(["NAME", "N", "NOTE"], rows)).toEqual([
    "NAME       N  NOTE",
    "a          5  x",
    "longer  1000",
  ]);
});

test("a moment is local time to the second", () => {
  expect(moment(new Date(2026, 0, 31, 23, 59, 59, 999).getTime())).toBe("2026-01-31 23:59:59");
});

test.each([
  ["fits", 10, ["fits"]],
  ["as wide as", 10, ["as wide as"]],
  ["it goes on below here", 10, ["it goes on", "  below", "  here"]],
  ["awordthatislongerthanthat ends", 10, ["awordthati", "  slongert", "  hanthat", "  ends"]],
  ["a b", 1, ["a", "  b"]],
])("%j in %d columns is %j", (line, columns, lines) => {
  expect(wrapped(line, { columns, indent: 2 })).toEqual(lines);
});
