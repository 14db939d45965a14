import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import type { Invocation } from "./invocation.ts";
import { exposition } from "./metrics/exposition.ts";
import { families } from "./metrics/families.ts";
import { replaceFile } from "./metrics/replace-file.ts";
import { reportOf } from "./status/report.ts";
import { openViews } from "./views.ts";

export const metrics = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "metrics",
      description: "The figures of status for Prometheus, through node_exporter",
      group: "look",
      examples: [
        "metrics",
        "metrics \\\n    --output /var/lib/prometheus/node-exporter/fail2ban-cloudflare.prom",
      ],
    },
    args: {
      output: {
        type: "string",
        description: "Replace FILE in one step, for node_exporter's textfile collector",
        valueHint: "FILE",
      },
    },
    async run({ args: { output } }) {
      const config = loadConfig(runtime, configPath);
      await using views = await openViews(runtime, config);
      const text = exposition(families(await reportOf(views, config)));
      if (output === undefined) runtime.print(text.trimEnd());
      else replaceFile(runtime, output, text);
      return 0;
    },
  });
