import { settingGroups } from "../../src/config/meanings.ts";
import type { SettingText } from "../../src/config/setting-texts.ts";
import { wrapped } from "../../src/wrapped.ts";

const columns = 100;

/** The configuration to begin with: every setting with its default or an example, none of it active. */
export function skeleton(texts: readonly SettingText[]): string {
  const parts = Object.entries(settingGroups).map(([group, title]) => {
    const own = texts.filter((text) => text.group === group);
    return `## ${title}\n\n${own.map(entry).join("\n")}`;
  });
  return [
    "# fail2ban-cloudflare: every key is optional, unknown keys are refused. Keep this file 0600.\n",
    ...parts,
  ].join("\n");
}

function entry({ says, example, type }: SettingText): string {
  const comment = wrapped(`# ${says.replaceAll("`", "")}.`, { columns, indent: 2 }).map((line) =>
    line.replace(/^ {2}/, "# "),
  );
  const lines = example.split("\n").map((line) => `#${line}`);
  const choices = type.startsWith('"') ? ` # of: ${type}` : "";
  return `${[...comment, ...lines].join("\n")}${choices}\n`;
}
