import { quoted } from "../core/text.ts";
import { Failure } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Setting, Settings } from "./settings.ts";

export type Table = Readonly<Record<string, unknown>>;

/** What is read of a setting; undefined where it is left out and nothing holds then. */
export type Value<S extends Setting> = S extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : S extends { readonly kind: "whole" }
    ? number
    : S extends { readonly kind: "texts" }
      ? readonly string[]
      : S extends { readonly kind: "table" }
        ? Table
        : S extends { readonly fallback: string }
          ? string
          : string | undefined;

/** Typed access to one table; every refusal names file, key and remedy. Values are quoted only where they are no secret. */
export interface Reader<S extends Settings> {
  /** What the table says, else `fallback`, else the setting's own. */
  value<Key extends keyof S & string>(key: Key, fallback?: Value<S[Key]>): Value<S[Key]>;
  /** Whether the table says anything of it. */
  isGiven(key: keyof S & string): boolean;
  refuse(key: keyof S & string, state: string, hint: string): Failure;
}

export interface TablePlace {
  readonly path: string;
  /** Stands before the keys in messages, as "profiles.x.". */
  readonly prefix: string;
}

/** Reads a table of the configuration, of which every key must be a setting. */
export function reader<S extends Settings>(place: TablePlace, table: Table, settings: S): Reader<S> {
  const refuse = (key: string, state: string, hint: string): Failure =>
    new Failure("config", `Cannot use ${place.prefix}${key} of "${place.path}": ${state}`, { hint });
  const unknown = Object.keys(table).find((key) => !Object.hasOwn(settings, key));
  if (unknown !== undefined) {
    const known = nearest(unknown, Object.keys(settings));
    throw refuse(unknown.slice(0, 80), "there is no such key", `did you mean ${known}?`);
  }
  return {
    refuse,
    isGiven: (key) => table[key] !== undefined,
    value(key, fallback) {
      const setting: Setting | undefined = settings[key];
      const standing = table[key] ?? fallback ?? fallbackOf(setting);
      const wrong = setting === undefined ? null : wrongWith(setting, standing, { ...place, key });
      if (wrong !== null) throw refuse(key, wrong.state, wrong.hint);
      // Of its kind: wrongWith has looked.
      return standing as Value<S[typeof key]>;
    },
  };
}

/** Reads a table whose keys are names that the administrator chose, each with a value of this kind. */
export function readerOfNames<S extends Setting>(
  place: TablePlace,
  table: Table,
  setting: S,
): Reader<Readonly<Record<string, S>>> {
  return reader(place, table, Object.fromEntries(Object.keys(table).map((name) => [name, setting])));
}

function fallbackOf(setting: Setting | undefined): unknown {
  if (setting?.kind === "texts") return [];
  if (setting?.kind === "table") return {};
  return setting?.fallback;
}

interface Wrong {
  readonly state: string;
  readonly hint: string;
}

/** Why a value is none of the setting's; null: it is. */
function wrongWith(
  setting: Setting,
  value: unknown,
  { prefix, key }: TablePlace & { readonly key: string },
): Wrong | null {
  switch (setting.kind) {
    case "whole": {
      const { least, most, fallback } = setting;
      if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most)
        return null;
      return { state: `it is not a whole number from ${least} to ${most}`, hint: `${key} = ${fallback}` };
    }
    case "texts":
      if (Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "")) return null;
      return { state: "it is not a list of texts", hint: `${key} = ["…"]` };
    case "table":
      return isTable(value) ? null : { state: "it is not a table", hint: `[${prefix}${key}]` };
    default:
      return value === undefined ? null : (wrongText(key, value) ?? wrongContent(setting, String(value)));
  }
}

function wrongText(key: string, value: unknown): Wrong | null {
  const hint = `${key} = "…", or leave it out`;
  if (typeof value !== "string") return { state: "it is not a text in quotes", hint };
  if (value.trim() === "") return { state: "it is empty", hint };
  return value.includes("\0") ? { state: "it holds a NUL character", hint: "write it anew" } : null;
}

function wrongContent(setting: Setting, text: string): Wrong | null {
  if (setting.kind === "choice" && !setting.choices.includes(text))
    return { state: `there is no ${quoted(text)}`, hint: `one of: ${setting.choices.join(", ")}` };
  // Not quoted: in place of a file's path somebody writes the token itself.
  if (setting.kind === "path" && !text.startsWith("/") && setting.orUrl?.test(text) !== true)
    return { state: "it is not an absolute path", hint: "begin it with /" };
  return null;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
