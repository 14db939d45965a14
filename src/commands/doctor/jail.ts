import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DumpedJail } from "../../fail2ban/dump.ts";
import { actionName, jailName, jailPath } from "../../fail2ban/files.ts";
import { overridesOf } from "../../fail2ban/overrides.ts";
import { callsUs } from "./action.ts";
import { bad, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { Host } from "./host.ts";

/** Our jail, as fail2ban understands all that is written about it. */
export const jail: Check = {
  name: "jail",
  async run(host) {
    const { dump } = await host.fail2ban();
    const dumped = dump.jails.get(jailName);
    if (dumped === undefined) return missing(host);
    return orWell(
      [...actions(host, dumped), ...log(host, dumped)],
      `Jail "${jailName}" bans with ${dumped.actions.join(" and ")}`,
    );
  },
};

function missing(host: Host): readonly Finding[] {
  if (!existsSync(join(host.directory, jailPath))) return [];
  return [
    bad(
      `fail2ban leaves jail "${jailName}" out`,
      "nobody who hits an nginx limit is banned",
      blame(host, "enabled", "fail2ban-client -t says why"),
    ),
  ];
}

function actions(host: Host, dumped: DumpedJail): Finding[] {
  const findings: Finding[] = [];
  const reload = `fail2ban-client reload --restart ${jailName}`;
  if (!dumped.actions.includes(actionName)) {
    const mend = blame(host, "action", `add ${actionName} to its action`);
    findings.push(
      bad(
        `Jail "${jailName}" does not have action "${actionName}"`,
        "its bans do not reach Cloudflare",
        `${mend}; ${reload}`,
      ),
    );
  }
  const twice = dumped.actions.find((action, at) => dumped.actions.indexOf(action) !== at);
  if (twice !== undefined) {
    const mend = blame(host, "action", "name it once");
    findings.push(
      bad(
        `Jail "${jailName}" has action "${twice}" twice`,
        "the whole fail2ban does not start with that",
        mend,
      ),
    );
  }
  const local = dumped.actions.filter((action) => !callsUs(dumped, action));
  if (local.length === 0) {
    const mend = `${blame(host, "action", "add %(action_)s to its action")}; ${reload}`;
    findings.push(
      warn(`Jail "${jailName}" has no action on this machine`, "who comes directly is not kept out", mend),
    );
  }
  for (const action of local) {
    const port = dumped.options(action).get("port");
    if (port !== "ssh" && port !== "22") continue;
    findings.push(
      bad(
        `Action "${action}" of jail "${jailName}" blocks port ${port}`,
        "an action that is named without options does not take the jail's ports",
        `${action}[name="%(__name__)s", port="%(port)s", protocol="tcp"]; ${reload}`,
      ),
    );
  }
  return findings;
}

function log(host: Host, { backend, logs }: DumpedJail): Finding[] {
  if (backend === "systemd") {
    return [
      bad(
        `Jail "${jailName}" reads the systemd journal`,
        "nginx writes its errors into files, so it sees none of them",
        blame(host, "backend", `backend = auto in jail.d/${jailName}.local`),
      ),
    ];
  }
  if (logs.length > 0) return [];
  return [
    bad(
      `No file matches the logpath of jail "${jailName}"`,
      "the whole fail2ban does not start with that",
      blame(host, "logpath", "install nginx, or take the jail out: fail2ban-cloudflare install --no-jail"),
    ),
  ];
}

/** The file that has the last word on an option of our jail, else what to do without one. */
function blame({ directory }: Host, option: string, otherwise: string): string {
  const winner = overridesOf(directory, jailName).findLast(({ options }) => options.has(option));
  return winner === undefined ? otherwise : `see ${option} in "${winner.path}"`;
}
