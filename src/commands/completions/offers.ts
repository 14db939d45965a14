import type { ArgumentText } from "../../manual.ts";

/** What can be offered for the value of an option or for a word. */
export type Offer =
  | { readonly kind: "choices"; readonly choices: readonly string[] }
  | { readonly kind: "jails" | "files" | "directories" | "nothing" };

/** The program's own options, before the command. */
export const configOption = { name: "--config", description: "Configuration file" } as const;
export const plainOptions = [
  { name: "--help", description: "Show the commands" },
  { name: "--version", description: "Show the version" },
] as const;

/** Prints what the scripts offer for --jail; without rights to the journal, nothing. */
export const jailsCommand = "fail2ban-cloudflare completions jails 2>/dev/null";

export function offerOf({ name, value, choices }: ArgumentText): Offer {
  if (choices.length > 0) return { kind: "choices", choices };
  if (name === "--jail") return { kind: "jails" };
  if (value === "FILE") return { kind: "files" };
  return { kind: value === "DIR" ? "directories" : "nothing" };
}
