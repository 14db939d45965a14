import { settingGroups } from "../../src/config/meanings.ts";
import type { SettingText } from "../../src/config/setting-texts.ts";

const headings = ["setting", "type", "default", "in a profile", "meaning"] as const;

/** A table of Markdown for each group of settings, as `bun fmt` writes it. */
export function settingTables(texts: readonly SettingText[]): string {
  return Object.entries(settingGroups)
    .map(([group, title]) => {
      const own = texts.filter((text) => text.group === group);
      return `### ${title}\n\n${table([headings, ...own.map(row)])}`;
    })
    .join("\n\n");
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

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [head, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("\n");
}
