import { quoted } from "../core/text.ts";
import { Failure } from "../errors.ts";
import { nearest } from "../nearest.ts";

export type Table = Readonly<Record<string, unknown>>;

/** Typed access to one table; every refusal names file, key and remedy. Values are quoted only where they are no secret. */
export interface Reader {
  refuse(key: string, state: string, hint: string): Failure;
  optional(key: string): string | undefined;
  text(key: string, fallback: string): string;
  absolute(key: string, fallback: string): string;
  texts(key: string): readonly string[];
  whole(key: string, fallback: number, range: { readonly least: number; readonly most: number }): number;
  table(key: string): Table;
  /** Refuses any other key, with the nearest of these. */
  onlyKeys(known: readonly string[]): void;
}

/** Reads a table of the file at `path`; `prefix` stands before its keys in messages, as "profiles.x.". */
export function reader(path: string, prefix: string, table: Table): Reader {
  const refuse = (key: string, state: string, hint: string): Failure =>
    new Failure("config", `Cannot use ${prefix}${key} of "${path}": ${state}`, { hint });
  const optional = (key: string): string | undefined => {
    const value = table[key];
    if (value === undefined) return undefined;
    if (typeof value === "string" && value.includes("\0"))
      throw refuse(key, "it holds a NUL character", "write it anew");
    if (typeof value === "string" && value.trim() !== "") return value;
    throw refuse(
      key,
      value === "" ? "it is empty" : "it is not a text in quotes",
      `${key} = "…", or leave it out`,
    );
  };
  return {
    refuse,
    optional,
    text: (key, fallback) => optional(key) ?? fallback,
    absolute(key, fallback) {
      const value = optional(key) ?? fallback;
      if (!value.startsWith("/"))
        throw refuse(key, `${quoted(value)} is not an absolute path`, "begin it with /");
      return value;
    },
    texts(key) {
      const value = table[key] ?? [];
      if (Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "")) return value;
      throw refuse(key, "it is not a list of texts", `${key} = ["…"]`);
    },
    whole(key, fallback, { least, most }) {
      const value = table[key] ?? fallback;
      if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most)
        return value;
      throw refuse(key, `it is not a whole number from ${least} to ${most}`, `${key} = ${fallback}`);
    },
    table: (key) => asTable(path, key, table[key] ?? {}),
    onlyKeys(known) {
      const unknown = Object.keys(table).find((key) => !known.includes(key));
      if (unknown === undefined) return;
      throw refuse(unknown.slice(0, 80), "there is no such key", `did you mean ${nearest(unknown, known)}?`);
    },
  };
}

export function asTable(path: string, key: string, value: unknown): Table {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Table;
  throw new Failure("config", `Cannot use ${key} of "${path}": it is not a table`, { hint: `[${key}]` });
}
