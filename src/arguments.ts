import type { ArgDef, ArgsDef, ParsedArgs } from "citty";
import { quoted } from "./core/text.ts";
import { Failure } from "./errors.ts";
import { nearest } from "./nearest.ts";

/**
 * Reads a command's arguments by its citty definition, strictly: unknown options, surplus words, repeated options and
 * missing values are refused, and what follows "--" is a word whatever it looks like. citty's own parser takes all of
 * these silently and drops every "--no-…", also as the value of an address.
 */
export function parseCommandLine(command: string, args: readonly string[], definition: ArgsDef): ParsedArgs {
  const values: Record<string, string | boolean> = {};
  const words: string[] = [];
  const help = `see: fail2ban-cloudflare ${command} --help`;
  const refuse = (what: string, state: string, hint = help): Failure =>
    new Failure("usage", `Cannot run ${command} with ${quoted(what)}: ${state}`, { hint });
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? "";
    if (word === "--") {
      words.push(...args.slice(index + 1));
      break;
    }
    if (!word.startsWith("--")) {
      words.push(word);
      continue;
    }
    const [, option = "", , inline] = /^--([^=]*)(=([\s\S]*))?$/.exec(word) ?? [];
    const negated = option.startsWith("no-") && definition[option.slice(3)]?.type === "boolean";
    const key = negated ? option.slice(3) : option;
    const known = Object.hasOwn(definition, key) ? definition[key] : undefined;
    if (known === undefined || known.type === "positional") {
      throw refuse(`--${option}`, "there is no such option", suggestion(option, definition));
    }
    if (key in values) throw refuse(`--${key}`, "it is given twice");
    if (known.type === "boolean") {
      if (inline !== undefined) throw refuse(`--${key}`, "it takes no value");
      values[key] = !negated;
      continue;
    }
    const value = inline ?? args[(index += 1)];
    if (value === undefined) throw refuse(`--${key}`, "its value is missing");
    values[key] = value;
  }
  const surplus = finish(values, words, definition, (what) => {
    throw new Failure("usage", `Cannot run ${command} without ${what}`, { hint: help });
  });
  if (surplus !== undefined) throw refuse(surplus, "one word too many");
  return { ...values, _: [...words] } as ParsedArgs;
}

/** Gives the words their names, and what is not given its default; returns the first word that has no name. */
function finish(
  values: Record<string, string | boolean>,
  words: readonly string[],
  definition: ArgsDef,
  missing: (what: string) => never,
): string | undefined {
  const rest = [...words];
  for (const [key, argument] of Object.entries(definition)) {
    const given = argument.type === "positional" ? rest.shift() : values[key];
    const value = given ?? argument.default;
    if (value === undefined && isRequired(argument)) {
      missing(argument.type === "positional" ? key.toUpperCase() : `--${key}`);
    }
    if (value !== undefined) values[key] = value as string | boolean;
  }
  return rest[0];
}

function isRequired(argument: ArgDef): boolean {
  return argument.type === "positional" ? argument.required !== false : argument.required === true;
}

function suggestion(option: string, definition: ArgsDef): string | undefined {
  const options = Object.keys(definition).filter((key) => definition[key]?.type !== "positional");
  return options.length === 0 ? undefined : `did you mean --${nearest(option, options)}?`;
}
