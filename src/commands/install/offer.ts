import { isatty } from "node:tty";
import type { Runtime } from "../../runtime.ts";
import { describe } from "./imported.ts";
import type { Move } from "./move.ts";

/** Asks a person, who is shown the findings first; null where nobody can be asked. */
export type Ask = (runtime: Runtime, findings: readonly string[]) => Promise<boolean | null>;

/** Whether what was found is to be taken over; nobody to ask is a yes, as the jails' bans need it. */
export async function isWanted(runtime: Runtime, { imports, readable }: Move, ask: Ask): Promise<boolean> {
  const findings = [...imports.map(describe), ...readable.map((path) => `others can read "${path}"`)];
  return findings.length === 0 || ((await ask(runtime, findings)) ?? true);
}

/** Loads the questions only where there is somebody to ask. */
export const askOnTerminal: Ask = async (runtime, findings) => {
  if (!isatty(0) || !isatty(1)) return null;
  runtime.talk("fail2ban's configuration has credentials for Cloudflare:");
  for (const finding of findings) runtime.talk(`  ${finding}`);
  const { consola } = await import("consola");
  const question = "Copy them into our configuration, and let only root read the files that have them?";
  const answer: unknown = await consola.prompt(question, { type: "confirm", initial: true, cancel: "null" });
  return answer === true;
};
