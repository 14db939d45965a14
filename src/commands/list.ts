import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import type { HoldView } from "../core/ports.ts";
import { oneLine, timestamp } from "../log.ts";
import type { Invocation } from "./invocation.ts";
import { openViews } from "./views.ts";

const headings = ["ADDRESS", "JAIL", "HOST", "MODE", "STATE", "SINCE", "UNTIL", "RULE"] as const;

export const list = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: { name: "list", description: "What is held, by which jail, and whether it is at the edge" },
    args: {
      jail: { type: "string", description: "Only what this jail holds", valueHint: "NAME" },
      json: { type: "boolean", description: "Print JSON", default: false },
    },
    async run({ args }) {
      const config = loadConfig(runtime, configPath);
      await using views = await openViews(runtime, config);
      if (views.trouble !== null) runtime.talk(`Only what this host holds: ${views.trouble.summary}`);
      const holds = await views.holds(args.jail ?? null);
      runtime.print(
        args.json
          ? JSON.stringify({ version: 1, holds }, null, 2)
          : table(holds, config.fleet === null ? ["HOST"] : []),
      );
      return 0;
    },
  });

function table(holds: readonly HoldView[], without: readonly string[]): string {
  const kept = headings.flatMap((heading, column) => (without.includes(heading) ? [] : [column]));
  const rows = [headings, ...holds.map(cells)].map((row) => kept.map((column) => row[column] ?? ""));
  const widths = kept.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cells(hold: HoldView): readonly string[] {
  return [
    hold.address,
    oneLine(hold.jail),
    oneLine(hold.host),
    hold.mode,
    hold.reason === null ? hold.state : `${hold.state}: ${oneLine(hold.reason)}`,
    timestamp(hold.sinceAt),
    hold.untilAt === null ? "for ever" : timestamp(hold.untilAt),
    hold.ids.length > 3 ? `${hold.ids.length} rules` : hold.ids.join(" "),
  ];
}
