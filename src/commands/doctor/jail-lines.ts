import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A line of fail2ban's jail files, and where it stands. */
export interface JailLine {
  readonly path: string;
  readonly number: number;
  /** The section that it stands in; "" before the first. */
  readonly jail: string;
  readonly text: string;
}

/** Every line of the jail files that says something, in the order in which fail2ban reads them. */
export function jailLines(directory: string): readonly JailLine[] {
  const inJailD = (ending: string): string[] =>
    existsSync(join(directory, "jail.d"))
      ? readdirSync(join(directory, "jail.d"))
          .filter((name) => name.endsWith(ending))
          .sort()
          .map((name) => join("jail.d", name))
      : [];
  return ["jail.conf", ...inJailD(".conf"), "jail.local", ...inJailD(".local")]
    .map((name) => join(directory, name))
    .filter((path) => existsSync(path))
    .flatMap(linesOf);
}

function linesOf(path: string): readonly JailLine[] {
  let jail = "";
  return readFileSync(path, "utf8")
    .split(/\r?\n/)
    .map((text, index) => {
      jail = /^\[([^\]]+)\]/.exec(text)?.[1] ?? jail;
      return { path, number: index + 1, jail, text };
    })
    .filter(({ text }) => !/^\s*([#;]|$)/.test(text));
}
