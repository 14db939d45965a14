/** A header or a setting of a TOML text, by its place in it. */
export interface Statement {
  /** The table that it stands in or begins, as "profiles.client-a"; "" before the first. */
  readonly table: string;
  /** null for a header. */
  readonly key: string | null;
  /** From the start of its first line to the start of the line after its last. */
  readonly start: number;
  readonly end: number;
  /** The value alone; empty for a header. */
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** The statements of a TOML text that parses, in their order; comments and blank lines are between them. */
export function statementsOf(text: string): readonly Statement[] {
  const statements: Statement[] = [];
  let table = "";
  for (let start = 0; start < text.length;) {
    const line = text.slice(start, afterLine(text, start));
    const header = /^\s*\[+([^\]]+)\]/.exec(line)?.[1];
    const setting = /^\s*([^\s#=[][^=]*)=[ \t]*/.exec(line);
    const valueStart = start + (setting?.[0].length ?? line.length);
    const valueEnd = setting === null ? valueStart : afterValue(text, valueStart);
    const end = setting === null ? start + line.length : afterLine(text, valueEnd);
    table = header === undefined ? table : bare(header);
    const key = setting?.[1] === undefined ? null : bare(setting[1]);
    if (header !== undefined || key !== null)
      statements.push({ table, key, start, end, valueStart, valueEnd });
    start = end;
  }
  return statements;
}

/** A dotted name without the spaces and quotes that it may be written with. */
function bare(name: string): string {
  return name.replace(/[\s"']/g, "");
}

function afterLine(text: string, from: number): number {
  const newline = text.indexOf("\n", from);
  return newline === -1 ? text.length : newline + 1;
}

/** Strings of the four kinds, comments, brackets, ends of lines, and runs of anything else. */
const part =
  /"""(?:[^\\]|\\[^])*?"{3,5}|'''[^]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[[\]{}\n]|[^"'#[\]{}\n]+/y;

/** Where a value ends: before the comment or the end of the line that no bracket is open at. */
function afterValue(text: string, from: number): number {
  let [depth, end] = [0, from];
  part.lastIndex = from;
  for (let found = part.exec(text)?.[0]; found !== undefined; found = part.exec(text)?.[0]) {
    if (depth === 0 && (found === "\n" || found.startsWith("#"))) break;
    if (found === "[" || found === "{") depth += 1;
    if (found === "]" || found === "}") depth -= 1;
    if (found.trim() !== "") end = part.lastIndex - (found.length - found.trimEnd().length);
  }
  return end;
}
