import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import type { HoldView } from "../core/ports.ts";
import { openSqlite } from "../journal/sqlite.ts";
import { oneLine, timestamp } from "../log.ts";
import type { Invocation } from "./invocation.ts";

const headings = ["ADDRESS", "JAIL", "MODE", "STATE", "SINCE", "UNTIL", "RULE"] as const;

export const list = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: { name: "list", description: "What is held, by which jail, and whether it is at the edge" },
    args: {
      jail: { type: "string", description: "Only what this jail holds", valueHint: "NAME" },
      json: { type: "boolean", description: "Print JSON", default: false },
    },
    async run({ args }) {
      const config = loadConfig(runtime, configPath);
      using journal = openSqlite(config.journal);
      const holds = await journal.holds(args.jail ?? null);
      runtime.print(args.json ? JSON.stringify({ version: 1, holds }, null, 2) : table(holds));
      return 0;
    },
  });

function table(holds: readonly HoldView[]): string {
  const rows = [headings, ...holds.map(cells)];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
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
    hold.mode,
    hold.reason === null ? hold.state : `${hold.state}: ${oneLine(hold.reason)}`,
    timestamp(hold.sinceAt),
    hold.untilAt === null ? "for ever" : timestamp(hold.untilAt),
    hold.ids.length > 3 ? `${hold.ids.length} rules` : hold.ids.join(" "),
  ];
}
