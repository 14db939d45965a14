import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { checkCredentialFiles } from "../credential.ts";
import { exitCodes, Failure } from "../errors.ts";
import type { Runtime, Terminal } from "../runtime.ts";
import type { Invocation } from "./invocation.ts";
import { reportAsJson } from "./status/json.ts";
import { reportOf } from "./status/report.ts";
import type { Report } from "./status/report.ts";
import { screen } from "./status/screen.ts";
import { speaksUtf8 } from "./status/sparkline.ts";
import { watch } from "./status/watch.ts";
import { openViews } from "./views.ts";

type Size = Pick<Terminal, "rows" | "columns">;

/** Off a terminal nothing is cut. */
const boundless: Size = { rows: Number.POSITIVE_INFINITY, columns: Number.POSITIVE_INFINITY };

export const status = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "status",
      description: "What is held, pending and failing; exit code 0: all is well",
      group: "look",
      examples: ["status", "status --watch", "status --json | jq .verdict"],
    },
    args: {
      json: { type: "boolean", description: "Print JSON", default: false },
      watch: {
        type: "boolean",
        description: "Draw it anew every two seconds, until q or Ctrl-C",
        default: false,
      },
    },
    async run({ args }) {
      const terminal = args.watch ? watchedTerminal(runtime, args) : null;
      const config = loadConfig(runtime, configPath);
      for (const profile of config.profiles.values()) checkCredentialFiles(runtime, config, profile);
      const look = async (): Promise<Report> => {
        await using views = await openViews(runtime, config);
        return await reportOf(views, config);
      };
      let report = await look();
      const shown = (size: Size): readonly string[] =>
        screen(report, { rows: size.rows, columns: size.columns, utf8: speaksUtf8(runtime.env) });
      if (args.json) runtime.print(reportAsJson(report));
      else if (terminal === null) runtime.print(shown(runtime.terminal("stdout") ?? boundless).join("\n"));
      else {
        await watch(runtime, terminal, async () => {
          report = await look();
          return shown(terminal);
        });
      }
      return codeOf(report);
    },
  });

function watchedTerminal(runtime: Runtime, { json }: { readonly json: boolean }): Terminal {
  const terminal = json ? null : runtime.terminal("stdout");
  if (terminal !== null) return terminal;
  const state = json ? "--json is not for a terminal" : "stdout is not a terminal";
  throw new Failure("usage", `Cannot run status with "--watch": ${state}`, {
    hint: "leave --watch out, or run it every now and then: watch fail2ban-cloudflare status",
  });
}

function codeOf({ verdict }: Report): number {
  return verdict === null ? 0 : exitCodes[verdict];
}
