import { Failure } from "../../errors.ts";
import type { Runtime } from "../../runtime.ts";
import { readHidden } from "./hidden.ts";

export interface Option<Value> {
  readonly value: Value;
  readonly label: string;
}

/** Asks a person; a person who gives up ends it all with a failure. */
export interface Asker {
  /** What is typed is not shown. */
  secret(question: string): Promise<string>;
  one<Value extends string>(question: string, options: readonly Option<Value>[]): Promise<Value>;
  /** At least one; `chosen` are so from the start. */
  some(question: string, options: readonly Option<string>[], chosen: readonly string[]): Promise<string[]>;
}

/**
 * Asks on a terminal; null where stdin or stdout is none. The questions are consola's, which wait for ever without
 * one, and are loaded only here.
 */
export function terminalAsker({ keyboard, terminal, talk }: Runtime): Asker | null {
  const keys = keyboard();
  if (keys === null || terminal("stdout") === null) return null;
  const cancel = "null" as const;
  return {
    async secret(question) {
      // Hidden before it is asked for: who pastes fast must not see it either.
      const line = readHidden(keys);
      talk(`${question} (it is not shown; Enter ends it)`);
      const typed = (await line)?.trim() ?? null;
      if (typed === "")
        throw new Failure("usage", "Cannot log in: nothing was typed", {
          hint: "paste the token, then Enter",
        });
      return answered(typed);
    },
    async one(question, options) {
      const { consola } = await import("consola");
      const value = await consola.prompt(question, { type: "select", options: [...options], cancel });
      return answered(options.find((option) => option.value === String(value))?.value ?? null);
    },
    async some(question, options, chosen) {
      const { consola } = await import("consola");
      const values: unknown = await consola.prompt(`${question} (space chooses, Enter goes on)`, {
        type: "multiselect",
        options: [...options],
        initial: [...chosen],
        required: true,
        cancel,
      });
      return answered(Array.isArray(values) ? values.map(String) : null);
    },
  };
}

function answered<Answer>(answer: Answer | null): Answer {
  if (answer === null)
    throw new Failure("usage", "Login was given up: nothing was written", {
      hint: "run it again: fail2ban-cloudflare login",
    });
  return answer;
}
