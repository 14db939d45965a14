import { isatty } from "node:tty";
import type { Runtime } from "../../runtime.ts";
import { describe } from "./imported.ts";
import type { Move } from "./move.ts";

/** Asks a person; null where nobody can be asked. */
export type Ask = (question: string) => Promise<boolean | null>;

/** Whether what was found is to be taken over; nobody to ask is a yes, as the jails' bans need it. */
export async function isWanted(
  runtime: Runtime,
  { imports, missing, readable }: Move,
  ask: Ask,
): Promise<boolean> {
  if (imports.length + missing.length + readable.length === 0) return true;
  runtime.talk("fail2ban's configuration has credentials for Cloudflare:");
  for (const one of [...imports, ...missing]) runtime.talk(`  ${describe(one)}`);
  for (const path of readable) runtime.talk(`  in "${path}", which others can read`);
  const question = "Copy them into our configuration, and let only root read those files?";
  return (await ask(question)) ?? true;
}

/** Loads the questions only where there is somebody to ask. */
export const askOnTerminal: Ask = async (question) => {
  if (!isatty(0) || !isatty(1)) return null;
  const { consola } = await import("consola");
  const answer: unknown = await consola.prompt(question, { type: "confirm", initial: true, cancel: "null" });
  return answer === true;
};
