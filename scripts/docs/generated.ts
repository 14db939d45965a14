import { readFileSync } from "node:fs";
import { join } from "node:path";
import { settingTexts } from "../../src/config/setting-texts.ts";
import { settingTables } from "./setting-tables.ts";
import { skeleton } from "./skeleton.ts";

const root = join(import.meta.dir, "../..");

/** What stands between these lines of a page is written here, the rest by hand. */
const [begin, end] = ["<!-- settings: written by scripts/docs.ts -->", "<!-- end of settings -->"];

/** Files that are made from the schema of the configuration, by their paths in the project. */
export function generated(): ReadonlyMap<string, string> {
  const [reference, texts] = ["docs/configuration.md", settingTexts()];
  const page = readFileSync(join(root, reference), "utf8");
  return new Map([
    [reference, filled(page, settingTables(texts))],
    ["src/fail2ban/system/config.toml", skeleton(texts)],
  ]);
}

function filled(page: string, text: string): string {
  const [before, rest] = page.split(`${begin}\n`);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`Cannot find "${begin}" and "${end}"`);
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}
