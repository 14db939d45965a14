import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { jailPath } from "./files.ts";

export interface Override {
  readonly path: string;
  readonly options: ReadonlySet<string>;
}

/** Files that fail2ban reads after our jail file and that set options of the same jail: those win. */
export function overridesOf(fail2ban: string, jail: string): readonly Override[] {
  const names = existsSync(join(fail2ban, "jail.d")) ? readdirSync(join(fail2ban, "jail.d")).sort() : [];
  const later = names.filter((name) => name.endsWith(".conf") && name > basename(jailPath));
  const local = names.filter((name) => name.endsWith(".local"));
  return [...later.map(inJailD), "jail.local", ...local.map(inJailD)]
    .map((name) => join(fail2ban, name))
    .filter((path) => existsSync(path))
    .map((path) => ({ path, options: optionsOf(readFileSync(path, "utf8"), jail) }))
    .filter(({ options }) => options.size > 0);
}

function inJailD(name: string): string {
  return `jail.d/${name}`;
}

function optionsOf(text: string, section: string): ReadonlySet<string> {
  const options = new Set<string>();
  let current = "";
  for (const line of text.split(/\r?\n/)) {
    current = /^\[(.+)\]/.exec(line)?.[1] ?? current;
    const option = /^(\w+)\s*[=:]/.exec(line)?.[1];
    if (current === section && option !== undefined) options.add(option.toLowerCase());
  }
  return options;
}
