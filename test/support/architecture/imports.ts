import { posix } from "node:path";
import type { Token } from "./tokens.ts";

export interface Import {
  /** "src/core/hold.ts" for our own, else as it is written. */
  readonly target: string;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
  readonly line: number;
}

/** What a file imports, and what it exports from elsewhere. */
export function importsOf(path: string, tokens: readonly Token[]): Import[] {
  const resolve = (specifier: string): string =>
    specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;
  return tokens.flatMap((token, index): Import[] => {
    const before = tokens[index - 1];
    const next = tokens[index + 1];
    if (token.kind !== "word" || before?.text === "." || next === undefined) return [];
    const typeOnly = next.text === "type" && tokens[index + 2]?.text !== "from";
    const found = (specifier: Token | undefined, dynamic: boolean): Import[] =>
      specifier?.kind === "string"
        ? [{ target: resolve(specifier.text), typeOnly, dynamic, line: token.line }]
        : [];
    if (token.text === "import") {
      if (next.text === "(") return found(tokens[index + 2], true);
      return next.kind === "string" ? found(next, false) : found(afterFrom(tokens, index), false);
    }
    if (token.text === "require" && next.text === "(") return found(tokens[index + 2], true);
    const first = typeOnly ? tokens[index + 2] : next;
    const reexports = token.text === "export" && (first?.text === "*" || first?.text === "{");
    return reexports ? found(afterFrom(tokens, index), false) : [];
  });
}

/** The string after the statement's own "from". */
function afterFrom(tokens: readonly Token[], start: number): Token | undefined {
  for (let index = start + 1; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token?.text === "from" && tokens[index + 1]?.kind === "string") return tokens[index + 1];
    if (token?.text === ";" || token?.kind === "string") return undefined;
  }
  return undefined;
}
