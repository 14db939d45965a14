import pkg from "../package.json" with { type: "json" };
import { flag, groups, synopsis } from "./manual.ts";
import type { CommandText } from "./manual.ts";
import { wrapped } from "./wrapped.ts";

const columns = 80;

/** Where descriptions begin; a longer name has a line for itself. */
const indent = 22;

/** What `COMMAND --help` prints. */
export function help(command: CommandText): string {
  const all = [...command.words, ...command.options];
  const examples = command.examples.map((example) => `  ${pkg.name} ${example}`);
  return [
    `Usage: ${pkg.name} ${synopsis(command)}`,
    "",
    ...wrapped(command.description, { columns, indent: 0 }),
    ...(all.length === 0 ? [] : ["", ...all.flatMap((one) => entry(flag(one), one.description))]),
    ...(examples.length === 0 ? [] : ["", "Examples:", ...examples]),
  ].join("\n");
}

/** What `--help` prints: each command in one line, but for those that nobody types. */
export function overview(commands: readonly CommandText[]): string {
  const parts = Object.entries(groups).flatMap(([group, title]) => {
    const own = commands.filter((command) => command.group === group);
    const names = own.map(({ name }) => name).join(", ");
    if (group === "hook") return [`${title}: ${names}`];
    return [`${title}:`, ...own.map(({ name, description }) => `  ${name.padEnd(12)} ${description}`)];
  });
  return [
    `${pkg.name} ${pkg.version}: blocks what fail2ban bans at Cloudflare's edge`,
    `Usage: ${pkg.name} [--config FILE] COMMAND [OPTIONS]`,
    "",
    ...parts,
    `${pkg.name} COMMAND --help explains one.`,
  ].join("\n");
}

function entry(name: string, description: string): readonly string[] {
  const head = `  ${name}`.padEnd(indent);
  if (head.length > indent)
    return [head, ...wrapped(`${" ".repeat(indent)}${description}`, { columns, indent })];
  return wrapped(`${head}${description}`, { columns, indent });
}
