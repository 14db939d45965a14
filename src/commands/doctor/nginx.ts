import { jailName } from "../../fail2ban/files.ts";
import { checkRealip } from "../realip/check.ts";
import { readDump } from "../realip/nginx-config.ts";
import type { Statement } from "../realip/nginx-config.ts";
import { bad, ok, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";

/** Most that are named. */
const mostNamed = 3;

/** Whether nginx knows its visitors, and counts their requests. */
export const nginx: Check = {
  name: "nginx",
  async run(host) {
    const printed = await host.nginx();
    if (printed === null) return [ok("There is no nginx here")];
    return orWell(
      [...visitors(checkRealip(printed, await host.ranges())), ...limits(readDump(printed))],
      "nginx restores the visitor's address and limits requests",
    );
  },
};

function visitors(faults: readonly string[]): Finding[] {
  if (faults.length === 0) return [];
  const more = faults.length > mostNamed ? `; and ${faults.length - mostNamed} more` : "";
  return [
    bad(
      `${faults.slice(0, mostNamed).join("; ")}${more}`,
      "fail2ban bans Cloudflare itself, or whomever a visitor names, for what a visitor did",
      "fail2ban-cloudflare realip --write /etc/nginx/conf.d/cloudflare-realip.conf && nginx -s reload",
    ),
  ];
}

function limits(statements: readonly Statement[]): Finding[] {
  if (valuesOf(statements, "limit_req").length === 0) {
    return [
      bad(
        "nginx limits no requests (limit_req_zone and limit_req)",
        `jail "${jailName}" has nothing to find`,
        "limit_req_zone $binary_remote_addr zone=visitors:10m rate=10r/s; and in a location: limit_req zone=visitors burst=20 nodelay;",
      ),
    ];
  }
  if (!valuesOf(statements, "limit_req_dry_run").some(([value]) => value === "on")) return [];
  return [
    warn(
      "nginx only tries its limits (limit_req_dry_run)",
      `jail "${jailName}" does not count that`,
      "limit_req_dry_run off;",
    ),
  ];
}

/** nginx's levels, the least urgent first. */
const levels = ["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"];

/** Whether what nginx says of its limits comes to where the jail looks. */
export const nginxLog: Check = {
  name: "nginx log",
  async run(host) {
    const printed = await host.nginx();
    const { dump } = await host.fail2ban();
    const dumped = dump.jails.get(jailName);
    if (printed === null || dumped === undefined) return [];
    const statements = readDump(printed);
    const [limit = "error"] = valuesOf(statements, "limit_req_log_level")[0] ?? [];
    const logs = valuesOf(statements, "error_log").map(([path = "", level = "error"]) => ({ path, level }));
    const findings: Finding[] = [];
    if (logs.length > 0 && logs.every(({ level }) => levels.indexOf(level) > levels.indexOf(limit))) {
      findings.push(
        bad(
          `nginx writes only what is ${logs[0]?.level} or worse into its error log`,
          `it says of a limit that it is ${limit}, so jail "${jailName}" never sees it`,
          `error_log ${logs[0]?.path} error;`,
        ),
      );
    }
    if (logs.length > 0 && dumped.logs.length > 0 && !logs.some(({ path }) => dumped.logs.includes(path))) {
      findings.push(
        bad(
          `Jail "${jailName}" does not watch "${logs[0]?.path}", where nginx writes its errors`,
          "it sees none of them",
          `logpath = ${logs[0]?.path} in jail.d/${jailName}.local, then: fail2ban-client reload --restart ${jailName}`,
        ),
      );
    }
    return orWell(findings, `nginx writes where jail "${jailName}" looks`);
  },
};

/** What follows a name, wherever it stands. */
function valuesOf(statements: readonly Statement[], name: string): readonly (readonly string[])[] {
  return statements.flatMap(({ words: [first, ...values], block }) => [
    ...(first === name ? [values] : []),
    ...valuesOf(block ?? [], name),
  ]);
}
