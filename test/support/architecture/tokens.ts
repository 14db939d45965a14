/** A piece of TypeScript: comments and spaces are left out, strings and regular expressions are one piece each. */
export interface Token {
  readonly kind: "word" | "string" | "regex" | "sign";
  /** A string's is its content. */
  readonly text: string;
  readonly line: number;
}

const space = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const string = /"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/y;
const word = /[\p{L}\p{N}_$#]+/uy;
const regex = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const sign = /[!=]==?|=>|\.\.\.|\?\.|[\s\S]/y;
const templatePart = /(?:\\[\s\S]|(?!\$\{)[^`\\])*(?:`|\$\{)/y;

/** After these words a slash begins a regular expression; after any other word or a bracket's end it divides. */
const beforeRegex = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "void",
  "delete",
  "await",
  "yield",
  "throw",
]);

/** Cuts a source into tokens; the words inside a template's `${…}` are tokens too. */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  /** How many braces are open in each `${` that is open. */
  const templates: number[] = [];
  let [at, line, braces] = [0, 1, 0];
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0] ?? null;
    if (found === null || found === "") return null;
    at += found.length;
    line += found.split("\n").length - 1;
    return found;
  };
  const template = (): void => {
    if (take(templatePart)?.endsWith("${") === true) templates.push((braces += 1));
  };
  const add = (kind: Token["kind"], text: string, from: number): void =>
    void tokens.push({ kind, text, line: from });
  while (at < source.length) {
    if (take(space) !== null) continue;
    const from = line;
    const quotedText = take(string);
    if (quotedText !== null) {
      add("string", quotedText.slice(1, -1), from);
      continue;
    }
    const name = take(word);
    if (name !== null) {
      add("word", name, from);
      continue;
    }
    const before = tokens.at(-1);
    const pattern = source[at] === "/" && mayBeginRegex(before) ? take(regex) : null;
    if (pattern !== null) {
      add("regex", pattern, from);
      continue;
    }
    const mark = take(sign) ?? "";
    if (mark === "`") {
      add("string", "", from);
      template();
    } else if (mark === "}" && templates.at(-1) === braces) {
      templates.pop();
      braces -= 1;
      template();
    } else {
      braces += mark === "{" ? 1 : mark === "}" ? -1 : 0;
      add("sign", mark, from);
    }
  }
  return tokens;
}

function mayBeginRegex(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === "word") return beforeRegex.has(before.text);
  return before.kind === "sign" && ![")", "]", "}"].includes(before.text);
}
