import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { cloudflareRanges } from "../core/guard.ts";
import { exitCodes, Failure } from "../errors.ts";
import { publishedRanges } from "../wire/client.ts";
import type { Invocation } from "./invocation.ts";
import { checkRealip } from "./realip/check.ts";
import { apacheSnippet, nginxSnippet } from "./realip/snippet.ts";
import { findWebServer } from "./realip/web-server.ts";
import { writeSnippet } from "./realip/write.ts";

export const realip = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "realip",
      description: "Have nginx or Apache know the visitor's address behind Cloudflare",
      group: "setup",
      examples: [
        "realip --check",
        "realip --write /etc/nginx/conf.d/cloudflare-realip.conf",
        "realip --refresh --apache",
      ],
    },
    args: {
      check: {
        type: "boolean",
        description: "Only look whether nginx knows all of Cloudflare",
        default: false,
      },
      write: {
        type: "string",
        description: "Write it there, test it, and undo it if it is refused",
        valueHint: "FILE",
      },
      refresh: { type: "boolean", description: "Ask Cloudflare for its ranges of today", default: false },
      apache: { type: "boolean", description: "For Apache's mod_remoteip instead of nginx", default: false },
      force: {
        type: "boolean",
        description: "Replace a file that this program did not write",
        default: false,
      },
    },
    async run({ args: { check, write, refresh, apache, force } }) {
      const other = write === undefined ? (apache ? "--apache" : null) : "--write";
      if (check && other !== null) {
        throw new Failure("usage", `Cannot run realip with "--check" and "${other}": one at a time`, {
          hint: "see: fail2ban-cloudflare realip --help",
        });
      }
      const ranges = refresh
        ? await publishedRanges(runtime, loadConfig(runtime, configPath))
        : cloudflareRanges;
      if (check) {
        const findings = checkRealip(await findWebServer(runtime, "nginx").test(), ranges);
        for (const finding of findings) runtime.print(finding);
        if (findings.length === 0) return 0;
        runtime.talk(
          "mend it with: fail2ban-cloudflare realip --write /etc/nginx/conf.d/cloudflare-realip.conf",
        );
        return exitCodes.config;
      }
      const text = (apache ? apacheSnippet : nginxSnippet)(ranges);
      if (write === undefined) {
        runtime.print(text.trimEnd());
        return 0;
      }
      const server = findWebServer(runtime, apache ? "apache" : "nginx");
      await writeSnippet(runtime, server, text, {
        file: write,
        force,
        // Apache's test does not say what it has read.
        includes: (said, path) => apache || said.includes(`# configuration file ${path}:\n`),
      });
      return 0;
    },
  });
