import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { checkCredentialFiles } from "../credential.ts";
import { exitCodes } from "../errors.ts";
import { openSqlite } from "../journal/sqlite.ts";
import type { Invocation } from "./invocation.ts";
import { reportAsJson } from "./status/json.ts";
import { reportOf } from "./status/report.ts";
import { screen } from "./status/screen.ts";
import { speaksUtf8 } from "./status/sparkline.ts";

export const status = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "status",
      description: "What is held, pending and failing; the exit code says whether all is well",
    },
    args: { json: { type: "boolean", description: "Print JSON", default: false } },
    async run({ args }) {
      const config = loadConfig(runtime, configPath);
      for (const profile of config.profiles.values()) checkCredentialFiles(runtime, config, profile);
      using journal = openSqlite(config.journal);
      const report = await reportOf(journal, config, runtime.now());
      if (args.json) runtime.print(reportAsJson(report));
      else {
        const shown = screen(report, { rows: Number.POSITIVE_INFINITY, utf8: speaksUtf8(runtime.env) });
        runtime.print(shown.join("\n"));
      }
      return report.verdict === null ? 0 : exitCodes[report.verdict];
    },
  });
