import type { Token } from "./tokens.ts";

export interface Finding {
  readonly line: number;
  readonly says: string;
}

/** Only src/index.ts may reach the process, the clock, chance and the network; the rest takes them from Runtime. */
export function outsideReached(tokens: readonly Token[]): Finding[] {
  const given = new Set(destructured(tokens));
  return tokens.flatMap((token, index): Finding[] => {
    if (token.kind !== "word" || tokens[index - 1]?.text === ".") return [];
    const [next, member, call] = [1, 2, 3].map((offset) => tokens[index + offset]?.text);
    const says = ((): string | null => {
      switch (token.text) {
        case "process":
        case "console":
          return next === "." || next === "?." || next === "[" ? `${token.text}.` : null;
        case "Date":
          if (next === "." && member === "now") return "Date.now";
          return tokens[index - 1]?.text === "new" && (next !== "(" || member === ")") ? "new Date()" : null;
        case "Math":
          return next === "." && member === "random" ? "Math.random" : null;
        case "Bun":
          return next === "." && ["sleep", "sleepSync", "env", "argv", "main"].includes(member ?? "")
            ? `Bun.${member}`
            : null;
        case "import":
          return next === "." && call === "." && tokens[index + 4]?.text === "env" ? "import.meta.env" : null;
        case "fetch":
        case "setTimeout":
        case "setInterval":
        case "setImmediate":
          return next === "(" && !given.has(token.text) ? `${token.text}(` : null;
        case "globalThis":
          return "globalThis";
        default:
          return null;
      }
    })();
    return says === null ? [] : [{ line: token.line, says: `${says} stands only in src/index.ts` }];
  });
}

/** `any`, `!` after a value, and default exports. */
export function forbiddenWords(tokens: readonly Token[]): Finding[] {
  return tokens.flatMap((token, index): Finding[] => {
    const before = tokens[index - 1];
    const next = tokens[index + 1];
    const found = (says: string): Finding[] => [{ line: token.line, says }];
    if (token.kind === "word" && token.text === "any" && before?.text !== ".") return found("any");
    if (token.kind === "word" && token.text === "default" && ["export", "as"].includes(before?.text ?? ""))
      return found("a default export");
    if (token.kind === "sign" && token.text === "!" && before !== undefined && isValue(before, next))
      return found("a non-null !");
    return [];
  });
}

/** Words before which "!" negates what follows. */
const operators = new Set([
  ..."return typeof case in of void delete await yield throw if while else do new instanceof extends".split(
    " ",
  ),
]);

function isValue(before: Token, next: Token | undefined): boolean {
  if (before.kind === "word") return !operators.has(before.text);
  if (before.kind !== "sign") return true;
  // After the condition of an `if` comes a negation; after a call's end a "!" is followed by a sign.
  return before.text === "]" || (before.text === ")" && next?.kind === "sign" && next.text !== "(");
}

/** Names that some `{ … }: Type` or `{ … } =` brings into the file: not the global ones. */
function destructured(tokens: readonly Token[]): string[] {
  const open: string[][] = [];
  const names: string[] = [];
  tokens.forEach((token, index) => {
    if (token.kind === "sign" && token.text === "{") open.push([]);
    else if (token.kind === "sign" && token.text === "}") {
      const inside = open.pop() ?? [];
      const next = tokens[index + 1]?.text;
      if (next === ":" || next === "=") names.push(...inside);
    } else if (token.kind === "word" && ["{", ","].includes(tokens[index - 1]?.text ?? "")) {
      open.at(-1)?.push(token.text);
    }
  });
  return names;
}
