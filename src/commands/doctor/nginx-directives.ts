/** A directive of nginx, wherever it stands. */
export interface Directive {
  readonly name: string;
  readonly values: readonly string[];
}

const part =
  /\s+|#[^\n]*|"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|[;{}]|(?:[^\s;{}"'#\\]|\\[^])(?:[^\s;{}\\]|\\[^])*/y;

/** The directives of what `nginx -T` prints, blocks among them, in their order. */
export function readDirectives(text: string): readonly Directive[] {
  const directives: Directive[] = [];
  let words: string[] = [];
  part.lastIndex = 0;
  for (let found = part.exec(text)?.[0]; found !== undefined; found = part.exec(text)?.[0]) {
    if (found === ";" || found === "{" || found === "}") {
      const [name, ...values] = words;
      if (name !== undefined) directives.push({ name, values });
      words = [];
    } else if (found.trim() !== "" && !found.startsWith("#"))
      words.push(found.replace(/^(["'])([^]*)\1$/, "$2"));
  }
  return directives;
}
