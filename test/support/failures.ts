/** A `new Failure(…)` in a source: kind, message and hint as they are written there, spaces joined. */
export interface WrittenFailure {
  readonly line: number;
  readonly kind: string;
  readonly message: string;
  /** null: there is none, or it is another failure's. */
  readonly hint: string | null;
}

export function failuresIn(source: string): WrittenFailure[] {
  return [...source.matchAll(/\bnew Failure\(/g)].map(({ index, 0: opening }) => {
    const [kind = "", message = "", options = ""] = partsAt(source, index + opening.length);
    const inside = options.startsWith("{") ? partsAt(options, 1) : [];
    const hint = inside.find((part) => /^hint\b/.test(part));
    return {
      line: source.slice(0, index).split("\n").length,
      kind: unquoted(kind),
      message: unquoted(message),
      hint: hint === undefined ? null : unquoted(hint.replace(/^hint: /, "")),
    };
  });
}

/** The parts between commas from here to the bracket that closes what was opened before. */
function partsAt(source: string, start: number): string[] {
  const parts = [""];
  for (let at = start, depth = 0; at < source.length; at += 1) {
    const sign = source[at] ?? "";
    if (`"'\``.includes(sign)) {
      const end = endOfString(source, at);
      parts.push(`${parts.pop() ?? ""}${source.slice(at, end)}`);
      at = end - 1;
      continue;
    }
    if (")]}".includes(sign) && depth === 0) break;
    depth += "([{".includes(sign) ? 1 : ")]}".includes(sign) ? -1 : 0;
    if (sign === "," && depth === 0) parts.push("");
    else parts.push(`${parts.pop() ?? ""}${sign}`);
  }
  return parts.map((part) => part.replace(/\s+/g, " ").trim()).filter((part) => part !== "");
}

/** Where a string ends; what stands in a template's `${…}` may hold strings of its own. */
function endOfString(source: string, start: number): number {
  const quote = source[start];
  for (let at = start + 1; at < source.length; at += 1) {
    if (source[at] === "\\") at += 1;
    else if (source[at] === quote) return at + 1;
    else if (quote === "`" && source.startsWith("${", at)) at = endOfInsertion(source, at + 2);
  }
  return source.length;
}

function endOfInsertion(source: string, start: number): number {
  for (let at = start, depth = 0; at < source.length; at += 1) {
    const sign = source[at] ?? "";
    if (`"'\``.includes(sign)) at = endOfString(source, at) - 1;
    else if (sign === "{") depth += 1;
    else if (sign === "}" && depth === 0) return at;
    else if (sign === "}") depth -= 1;
  }
  return source.length;
}

/** A text without its quotes; any other expression as it is. */
function unquoted(expression: string): string {
  return /^(["'`])[^]*\1$/.test(expression) && endOfString(expression, 0) === expression.length
    ? expression.slice(1, -1)
    : `{${expression}}`;
}
