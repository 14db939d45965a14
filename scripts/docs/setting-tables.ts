import { settingGroups } from "../../src/config/meanings.ts";
import type { SettingText } from "../../src/config/setting-texts.ts";
import { table } from "./table.ts";

const headings = ["setting", "type", "default", "in a profile", "meaning"] as const;

/** A table of Markdown for each group of settings. */
export function settingTables(texts: readonly SettingText[]): string {
  return Object.entries(settingGroups)
    .map(([group, title]) => {
      const own = texts.filter((text) => text.group === group);
      return `### ${title}\n\n${table([headings, ...own.map(row)])}`;
    })
    .join("\n\n");
}

/** The table of the settings of [fleet], which stand nowhere else. */
export function fleetTable(texts: readonly SettingText[]): string {
  const rows = texts.map((text) => row({ ...text, key: `fleet.${text.key}` }));
  const alone = (cells: readonly string[]) => cells.filter((_, at) => headings[at] !== "in a profile");
  return table([headings, ...rows].map(alone));
}

function row({ key, type, fallback, inProfiles, says }: SettingText): readonly string[] {
  const literal = /^["\d]/.test(fallback);
  return [
    `\`${key}\``,
    type.replace(/"[^"]+"/g, "`$&`"),
    literal ? `\`${fallback}\`` : fallback,
    inProfiles ? "yes" : "",
    says,
  ];
}
