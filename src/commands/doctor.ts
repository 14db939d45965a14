import { defineCommand } from "citty";
import { exitCodes } from "../errors.ts";
import { action } from "./doctor/action.ts";
import { bans } from "./doctor/bans.ts";
import { budget } from "./doctor/budget.ts";
import { examine } from "./doctor/check.ts";
import type { Check } from "./doctor/check.ts";
import { configuration } from "./doctor/configuration.ts";
import { clock, connection, ranges } from "./doctor/connection.ts";
import { courier } from "./doctor/courier.ts";
import { credential } from "./doctor/credential.ts";
import { edge } from "./doctor/edge.ts";
import { fail2ban } from "./doctor/fail2ban.ts";
import { files } from "./doctor/files.ts";
import { fleet } from "./doctor/fleet.ts";
import { hostOf } from "./doctor/host.ts";
import { jailFiles } from "./doctor/jail-files.ts";
import { jail } from "./doctor/jail.ts";
import { journal } from "./doctor/journal.ts";
import { leaks } from "./doctor/leaks.ts";
import { live } from "./doctor/live.ts";
import { nginx, nginxLog } from "./doctor/nginx.ts";
import { json, lines, verdictOf } from "./doctor/print.ts";
import { permissions, token } from "./doctor/rights.ts";
import { redacted, secretsOf } from "./doctor/secrets.ts";
import type { Invocation } from "./invocation.ts";

/** What others follow from comes first: a failure that several meet is said by the first. */
const checks: readonly Check[] = [
  configuration,
  credential,
  journal,
  fleet,
  connection,
  clock,
  ranges,
  token,
  permissions,
  budget,
  fail2ban,
  files,
  action,
  jailFiles,
  jail,
  live,
  nginx,
  nginxLog,
  leaks,
  courier,
  bans,
  edge,
];

export const doctor = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: {
      name: "doctor",
      description: "Check all that a ban needs, and say what mends each fault",
      group: "look",
      examples: ["doctor", "doctor --json | jq .verdict"],
    },
    args: { json: { type: "boolean", description: "Print JSON", default: false } },
    async run({ args }) {
      await using host = hostOf(runtime, configPath);
      const reports = await examine(checks, host);
      const text = args.json ? json(reports) : lines(reports).join("\n");
      runtime.print(redacted(text, secretsOf(host)));
      return verdictOf(reports) === "bad" ? exitCodes.config : 0;
    },
  });
