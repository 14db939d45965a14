import { importOffence } from "./layers.ts";
import { importsOf } from "./imports.ts";
import type { Import } from "./imports.ts";
import { tokensOf } from "./tokens.ts";
import { forbiddenWords, outsideReached } from "./wording.ts";

/** Past this a file has two subjects. */
export const mostLines = 200;

export interface Rules {
  /** Files that may be longer, and why. */
  readonly long: Readonly<Record<string, string>>;
  /** Files that may say `any`, and why. */
  readonly any: Readonly<Record<string, string>>;
}

/** Everything in the sources (by path, as "src/cli.ts") that breaks the layout of design.md, as "path:line: what". */
export function offences(sources: ReadonlyMap<string, string>, rules: Rules): string[] {
  const imports = new Map(
    [...sources].map(([path, source]) => [path, importsOf(path, tokensOf(source))] as const),
  );
  const table = imports.get("src/cli.ts") ?? [];
  const commands = new Set(table.filter(({ dynamic }) => dynamic).map(({ target }) => target));
  const found = [...sources].flatMap(([path, source]) => {
    const tokens = tokensOf(source);
    const lines = source.split("\n").length - 1;
    const findings = [
      ...(imports.get(path) ?? []).map((one) => ({
        line: one.line,
        says: importOffence(path, one, commands),
      })),
      ...(path === "src/index.ts" ? [] : outsideReached(tokens)),
      ...(path.endsWith(".d.ts") ? [] : forbiddenWords(tokens)),
      {
        line: lines,
        says: lines > mostLines && !(path in rules.long) ? `more than ${mostLines} lines` : null,
      },
    ];
    return findings
      .filter(({ says }) => says !== null && !(says === "any" && path in rules.any))
      .map(({ line, says }) => `${path}:${line}: ${says}`);
  });
  return [...found, ...cycles(imports)];
}

/** Files that import each other when they are loaded; types and what is loaded later make no cycle. */
function cycles(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) {
      found.push(
        `${path}:1: is imported in a circle: ${[...above.slice(above.indexOf(path)), path].join(" ")}`,
      );
      return;
    }
    if (done.has(path)) return;
    for (const { target, typeOnly, dynamic } of imports.get(path) ?? []) {
      if (!typeOnly && !dynamic) visit(target, [...above, path]);
    }
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return found;
}
