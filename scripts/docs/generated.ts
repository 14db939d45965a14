import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exitStatus } from "../../src/commands/manual/page.ts";
import { fleetTexts, settingTexts } from "../../src/config/setting-texts.ts";
import { fleetTable, settingTables } from "./setting-tables.ts";
import { skeleton } from "./skeleton.ts";
import { table } from "./table.ts";

const root = join(import.meta.dir, "../..");

/** Files, by their paths in the project, with what is made of the program's own texts and of other pages. */
export function generated(): ReadonlyMap<string, string> {
  const texts = settingTexts();
  const [reference, operations, fleet] = ["docs/configuration.md", "docs/operations.md", "docs/fleet.md"];
  const decisions = "docs/decisions/README.md";
  return new Map([
    [reference, filled(reference, "settings", settingTables(texts))],
    [fleet, filled(fleet, "settings", fleetTable(fleetTexts()))],
    [operations, filled(operations, "exit codes", table([["code", "meaning"], ...exitStatus]))],
    [decisions, filled(decisions, "decisions", index("docs/decisions"))],
    ["src/fail2ban/system/config.toml", skeleton(texts)],
  ]);
}

/** A page of which one part, between two comments, is written here, and the rest by hand. */
function filled(path: string, part: string, text: string): string {
  const page = readFileSync(join(root, path), "utf8");
  const [begin, end] = [`<!-- ${part}: written by scripts/docs.ts -->\n`, `<!-- end of ${part} -->`];
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`Cannot find the ${part} of "${path}"`);
  return `${before}${begin}\n${text}\n\n${end}${after}`;
}

/** A line for each page of a directory, with its title. */
function index(directory: string): string {
  return readdirSync(join(root, directory))
    .filter((name) => /^\d.*\.md$/.test(name))
    .toSorted()
    .map((name) => {
      const title = readFileSync(join(root, directory, name), "utf8")
        .split("\n", 1)[0]
        ?.replace(/^# /, "");
      return `- [${title}](${name})`;
    })
    .join("\n");
}
