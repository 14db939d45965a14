import type { ArgDef, ArgsDef, CommandDef, CommandMeta } from "citty";

declare module "citty" {
  interface CommandMeta {
    group?: Group;
    /** Command lines without the program's name, for the help and the manual. */
    examples?: readonly string[];
  }
}

/** What the commands are for, in the order of the overview. */
export const groups = {
  look: "Look",
  act: "Act",
  setup: "Set up",
  hook: "Called by fail2ban",
} as const;

export type Group = keyof typeof groups;

/** What is written of a command: help, manual and completions are made from it. */
export interface CommandText {
  readonly name: string;
  readonly description: string;
  readonly group: Group;
  readonly examples: readonly string[];
  readonly words: readonly ArgumentText[];
  readonly options: readonly ArgumentText[];
}

export interface ArgumentText {
  /** "ADDRESS" for a word, "--jail" for an option. */
  readonly name: string;
  /** What an option's value is called, as "DIR"; null: it takes none. */
  readonly value: string | null;
  /** The values that there are; empty: others. */
  readonly choices: readonly string[];
  readonly description: string;
  readonly required: boolean;
}

/** What a command's definition says; ours hold nothing that is yet to be computed. */
export function commandText({ meta, args }: CommandDef): CommandText {
  const { name = "", description = "", group = "act", examples = [] } = meta as CommandMeta;
  const all = Object.entries((args ?? {}) as ArgsDef);
  const isWord = ([, { type }]: readonly [string, ArgDef]): boolean => type === "positional";
  return {
    name,
    description,
    group,
    examples,
    words: all.filter(isWord).map(argumentText),
    options: all.filter((entry) => !isWord(entry)).flatMap(optionTexts),
  };
}

/** An option, and its opposite where that is another wish than to leave it out. */
function optionTexts([key, argument]: readonly [string, ArgDef]): readonly ArgumentText[] {
  if (
    argument.type !== "boolean" ||
    argument.default !== undefined ||
    argument.negativeDescription === undefined
  )
    return [argumentText([key, argument])];
  const { negativeDescription, ...positive } = argument;
  return [argumentText([key, positive]), argumentText([key, argument])];
}

function argumentText([key, argument]: readonly [string, ArgDef]): ArgumentText {
  const { type, description = "", valueHint = "", required } = argument;
  const choices = valueHint.includes("|") ? valueHint.split("|") : [];
  if (type === "positional") {
    return { name: key.toUpperCase(), value: null, choices, description, required: required !== false };
  }
  // What is on by itself is only worth a word to turn it off.
  const off = type === "boolean" ? argument.negativeDescription : undefined;
  return {
    name: off === undefined ? `--${key}` : `--no-${key}`,
    value: type === "boolean" ? null : valueHint === "" ? key.toUpperCase() : valueHint,
    choices,
    description: off ?? description,
    required: required === true,
  };
}

/** How the command is called, as "ban ADDRESS --jail NAME [OPTIONS]". */
export function synopsis({ name, words, options }: CommandText): string {
  const optional = options.some(({ required }) => !required);
  return [
    name,
    ...words.map((word) => (word.required ? word.name : `[${word.name}]`)),
    ...options.filter(({ required }) => required).map(flag),
    ...(optional ? ["[OPTIONS]"] : []),
  ].join(" ");
}

/** "--jail NAME", "--wait", "ADDRESS". */
export function flag({ name, value }: ArgumentText): string {
  return value === null ? name : `${name} ${value}`;
}
