/** A text or another literal, or one of the signs between them. */
interface Token {
  readonly kind: "text" | "literal" | "sign";
  readonly text: string;
}

const part = /\s+|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([[\](),])|([^\s'"[\](),]+)/y;

/** The texts that a printed list begins with; the first element of another kind ends them. */
export function leadingTexts(line: string): readonly string[] {
  const tokens = tokensOf(line);
  const texts: string[] = [];
  for (let at = 1; tokens[at]?.kind === "text"; at += 2) texts.push(tokens[at]?.text ?? "");
  return texts;
}

/** The printed list's last two elements, and each list of two in it, by the first. */
export function pairsIn(line: string): ReadonlyMap<string, string> {
  const tokens = tokensOf(line);
  const pairs = tokens.flatMap((token, at): [string, string][] => {
    const [comma, value, end] = tokens.slice(at + 1, at + 4);
    const isPair =
      token.kind === "text" && comma?.text === "," && value?.kind !== "sign" && end?.text === "]";
    return isPair ? [[token.text, value?.text ?? ""]] : [];
  });
  return new Map(pairs);
}

function tokensOf(line: string): readonly Token[] {
  const tokens: Token[] = [];
  part.lastIndex = 0;
  for (let found = part.exec(line); found !== null; found = part.exec(line)) {
    const [, single, double, sign, literal] = found;
    const text = single ?? double;
    if (text !== undefined) tokens.push({ kind: "text", text: unescaped(text) });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
    else if (literal !== undefined) tokens.push({ kind: "literal", text: literal });
  }
  return tokens;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}
