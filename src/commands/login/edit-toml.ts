import { Failure } from "../../errors.ts";
import { statementsOf } from "./toml-statements.ts";
import type { Statement } from "./toml-statements.ts";

export interface TableEdit {
  /** "" for the settings before the first table, else as "profiles.client-a". */
  readonly table: string;
  /** What its keys are to be; null: a key is to go. */
  readonly settings: Readonly<Record<string, string | readonly string[] | null>>;
}

/**
 * The TOML text of the file at `path` with these settings, and every other line and comment as it was. Throws a config
 * failure where that cannot be had: the text may be written in ways that are not edited here, but nothing gets lost.
 */
export function editToml(path: string, text: string, { table, settings }: TableEdit): string {
  const wanted = Object.entries(settings);
  const edited = wanted.reduce(
    (before, [key, value]) => withSetting(before, table, { key, literal: literalOf(value) }),
    text,
  );
  if (Bun.deepEquals(parsed(edited), expected(text, table, wanted))) return edited;
  const lines = wanted.map(([key, value]) => (value === null ? `no ${key}` : `${key} = ${literalOf(value)}`));
  const where = table === "" ? "" : `[${table}] `;
  throw new Failure("config", `Cannot change "${path}": its way of writing is not understood`, {
    hint: `write into it by hand: ${where}${lines.join(", ")}`,
  });
}

interface Setting {
  readonly key: string;
  /** As it is to stand in the text; null: not at all. */
  readonly literal: string | null;
}

function literalOf(value: string | readonly string[] | null): string | null {
  if (value === null || typeof value === "string") return value === null ? null : JSON.stringify(value);
  return `[${value.map((one) => JSON.stringify(one)).join(", ")}]`;
}

function withSetting(text: string, table: string, { key, literal }: Setting): string {
  const statements = statementsOf(text);
  const own = statements.filter((statement) => statement.table === table);
  const standing = own.find((statement) => statement.key === key);
  if (standing !== undefined)
    return literal === null ? without(text, standing) : replaced(text, standing, literal);
  if (literal === null) return text;
  if (table !== "" && own.length === 0)
    return inserted(text, text.length, `\n[${table}]\n${key} = ${literal}`);
  const next = statements.find(({ key: name, start }) => name === null && start > (own[0]?.start ?? -1));
  return inserted(
    text,
    placeFor(text, key, { own, endAt: next?.start ?? text.length }),
    `${key} = ${literal}`,
  );
}

function replaced(text: string, { valueStart, valueEnd }: Statement, literal: string): string {
  return `${text.slice(0, valueStart)}${literal}${text.slice(valueEnd)}`;
}

/** A comment at the end of the line stays, on a line of its own. */
function without(text: string, { start, valueEnd, end }: Statement): string {
  const rest = text.slice(valueEnd, end).trimStart();
  return `${text.slice(0, start)}${rest.startsWith("#") ? rest : ""}${text.slice(end)}`;
}

/** After the commented line that shows the setting, else after the table's last one. */
function placeFor(
  text: string,
  key: string,
  { own, endAt }: { readonly own: readonly Statement[]; readonly endAt: number },
): number {
  const startAt = own[0]?.key === null ? own[0].start : 0;
  const shown = new RegExp(`^# ?${key} *=.*(\n|$)`, "m").exec(text.slice(startAt, endAt));
  if (shown !== null) return startAt + shown.index + shown[0].length;
  const last = own.at(-1);
  if (last !== undefined) return last.end;
  // Before the comments that belong to the first header.
  return endAt - (/(?:^[ \t]*#.*\n)+(?![^])/m.exec(text.slice(0, endAt))?.[0].length ?? 0);
}

function inserted(text: string, at: number, line: string): string {
  const before = text.slice(0, at);
  return `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}${line}\n${text.slice(at)}`;
}

type Table = { [key: string]: unknown };

function parsed(text: string): unknown {
  try {
    return Bun.TOML.parse(text);
  } catch {
    return null;
  }
}

function expected(text: string, path: string, settings: readonly (readonly [string, unknown])[]): Table {
  const all = Bun.TOML.parse(text) as Table;
  let table = all;
  for (const name of path === "" ? [] : path.split(".")) table = (table[name] ??= {}) as Table;
  for (const [key, value] of settings) {
    if (value === null) delete table[key];
    else table[key] = value;
  }
  return all;
}
