import { dirname, join } from "node:path";

/** A statement of nginx's configuration, with what it includes in its place. */
export interface Statement {
  readonly words: readonly string[];
  /** What stands in its braces; null: it ends with a semicolon. */
  readonly block: readonly Statement[] | null;
  readonly path: string;
  readonly line: number;
}

interface Token {
  readonly text: string;
  readonly kind: "word" | "sign";
  readonly line: number;
}

/** Reads what `nginx -T` prints: every file after a line with its name, the main one first. */
export function readDump(dump: string): readonly Statement[] {
  const [, ...parts] = dump.split(/^# configuration file (.+):\n/m);
  const files = new Map<string, string>();
  for (let index = 0; index + 1 < parts.length; index += 2)
    files.set(parts[index] ?? "", parts[index + 1] ?? "");
  const [main = ""] = files.keys();

  const read = (path: string, above: readonly string[]): readonly Statement[] => {
    const tokens = tokensOf(files.get(path) ?? "")[Symbol.iterator]();
    const statements = (): Statement[] => {
      const found: Statement[] = [];
      let [words, line]: [string[], number] = [[], 0];
      for (let next = tokens.next(); next.done !== true; next = tokens.next()) {
        const { text, kind, line: at } = next.value;
        if (kind === "word") {
          if (words.length === 0) line = at;
          words.push(text);
          continue;
        }
        if (text === "}") return found;
        const statement = { words, block: text === "{" ? statements() : null, path, line };
        found.push(...(words[0] === "include" ? included(words[1] ?? "", [...above, path]) : [statement]));
        words = [];
      }
      return found;
    };
    return statements();
  };
  /** A file that includes itself is no configuration that nginx takes. */
  const included = (pattern: string, above: readonly string[]): readonly Statement[] => {
    const glob = new Bun.Glob(pattern.startsWith("/") ? pattern : join(dirname(main), pattern));
    return [...files.keys()]
      .filter((path) => glob.match(path) && !above.includes(path))
      .flatMap((path) => read(path, above));
  };
  return read(main, []);
}

/** nginx's words: bare ones may hold an escaped character, quoted ones anything. */
function* tokensOf(text: string): Generator<Token> {
  const pattern =
    /\s+|#[^\n]*|(?<sign>[;{}])|"(?<double>(?:\\[^]|[^"\\])*)"|'(?<single>(?:\\[^]|[^'\\])*)'|(?<bare>(?:\$\{|\\[^]|[^\s;{}"'])[^]*?)(?=[\s;{}]|$)/gy;
  let line = 1;
  for (const { 0: whole, groups } of text.matchAll(pattern)) {
    const word = groups?.["double"] ?? groups?.["single"] ?? groups?.["bare"];
    if (groups?.["sign"] !== undefined) yield { text: groups["sign"], kind: "sign", line };
    else if (word !== undefined) yield { text: word, kind: "word", line };
    line += whole.split("\n").length - 1;
  }
}
