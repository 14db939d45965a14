import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import type { Config } from "../config.ts";
import { strictest } from "../core/hold.ts";
import type { HoldView } from "../core/views.ts";
import { oneLine } from "../core/text.ts";
import type { Invocation } from "./invocation.ts";
import { moment, table } from "./table.ts";
import { openViews } from "./views.ts";

export const list = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "list",
      description: "What is held, by which jails, and whether it is at the edge",
      group: "look",
      examples: ["list", "list --jail nginx-limit-req", "list --json | jq -r '.holds[].address'"],
    },
    args: {
      jail: { type: "string", description: "Only what this jail holds", valueHint: "NAME" },
      json: { type: "boolean", description: "Print JSON, one entry a jail and address", default: false },
    },
    async run({ args: { jail = null, json } }) {
      const config = loadConfig(runtime, configPath);
      await using journal = await openViews(runtime, config);
      if (journal.trouble !== null) runtime.talk(`Only what this server holds: ${journal.trouble.summary}`);
      if (json) {
        runtime.print(JSON.stringify({ version: 1, holds: await journal.holds(jail) }, null, 2));
        return 0;
      }
      const held = Map.groupBy(await journal.holds(null), ({ address }) => address);
      const rows = [...held.values()]
        .filter((holds) => jail === null || holds.some((hold) => hold.jail === jail))
        .map((holds) => row(holds, config));
      if (rows.length > 0) runtime.print(table(headings, rows).join("\n"));
      else runtime.talk(jail === null ? "Nothing is held" : `Jail "${oneLine(jail)}" holds nothing`);
      return 0;
    },
  });

const headings = [
  "ADDRESS",
  "JAILS",
  "MODE",
  "STATE",
  "SINCE",
  "UNTIL",
  "RULE, OR WHY THERE IS NONE",
] as const;

/** What needs attention first. */
const states = [
  "parked",
  "pending",
  "outside",
  "foreign",
  "blocked",
] as const satisfies readonly HoldView["state"][];

/** One line for an address: it is blocked from the first hold to the end of the last one. */
function row(holds: readonly HoldView[], { fleet }: Pick<Config, "fleet">): readonly string[] {
  const state = states.find((one) => holds.some((hold) => hold.state === one)) ?? "blocked";
  const reason = holds.find((hold) => hold.state === state)?.reason ?? null;
  const ids = [...new Set(holds.flatMap((hold) => hold.ids))];
  const ends = holds.map(({ untilAt }) => untilAt ?? Number.POSITIVE_INFINITY);
  const end = Math.max(...ends);
  return [
    holds[0]?.address ?? "",
    [...new Set(holds.map((hold) => jailName(hold, fleet)))].join(", "),
    strictest(holds.map(({ mode }) => mode)) ?? "",
    state,
    moment(Math.min(...holds.map(({ sinceAt }) => sinceAt))),
    Number.isFinite(end) ? moment(end) : "for ever",
    reason === null ? (ids.length > 3 ? `${ids.length} rules` : ids.join(" ")) : oneLine(reason),
  ];
}

/** Only a jail of another profile or host is told apart. */
function jailName({ jail, profile, host }: HoldView, fleet: Config["fleet"]): string {
  const name = profile === "" ? jail : `${jail} (${profile})`;
  return oneLine(fleet === null ? name : `${name} on ${host}`);
}
