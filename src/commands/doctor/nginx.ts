import { fromBytes, readAddress, toBytes } from "../../core/address.ts";
import type { Address } from "../../core/address.ts";
import { cloudflareRanges } from "../../core/guard.ts";
import { jailName } from "../../fail2ban/files.ts";
import { bad, ok, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { Directive } from "./nginx-directives.ts";

/** Headers in which Cloudflare names the visitor. */
const visitorHeaders = ["cf-connecting-ip", "x-forwarded-for", "true-client-ip"];

const realip =
  "fail2ban-cloudflare realip > /etc/nginx/conf.d/cloudflare-realip.conf && nginx -t && nginx -s reload";

/** Whether nginx knows its visitors, and counts their requests. */
export const nginx: Check = {
  name: "nginx",
  async run(host) {
    const directives = await host.nginx();
    if (directives === null) return [ok("There is no nginx here")];
    return orWell(
      [...trusted(directives), ...header(directives), ...limits(directives)],
      "nginx restores the visitor's address and limits requests",
    );
  },
};

function trusted(directives: readonly Directive[]): Finding[] {
  const believed = valuesOf(directives, "set_real_ip_from")
    .map(([range = ""]) => readAddress(range))
    .filter((range) => range !== null);
  if (believed.some(({ prefix }) => prefix === 0)) {
    return [
      bad(
        "nginx believes everybody who names an address (set_real_ip_from 0.0.0.0/0)",
        "anybody can have anybody banned",
        realip,
      ),
    ];
  }
  const missing = cloudflareRanges.filter((text) => {
    const range = readAddress(text);
    return range !== null && !believed.some((one) => covers(one, range));
  });
  if (missing.length === 0) return [];
  const which =
    missing.length === cloudflareRanges.length ? "Cloudflare" : `Cloudflare's ${missing.join(", ")}`;
  return [
    bad(
      `nginx does not take the visitor's address from ${which}`,
      "fail2ban bans Cloudflare itself for what a visitor did",
      realip,
    ),
  ];
}

function header(directives: readonly Directive[]): Finding[] {
  const named = valuesOf(directives, "real_ip_header").map(([value = ""]) => value);
  const wrong =
    named.length === 0 ? "X-Real-IP" : named.find((name) => !visitorHeaders.includes(name.toLowerCase()));
  if (wrong === undefined) return [];
  return [
    bad(
      `nginx looks for the visitor's address in ${wrong}`,
      "Cloudflare does not send that, so every visitor has Cloudflare's address",
      "real_ip_header CF-Connecting-IP;",
    ),
  ];
}

function limits(directives: readonly Directive[]): Finding[] {
  if (valuesOf(directives, "limit_req").length === 0) {
    return [
      bad(
        "nginx limits no requests (limit_req_zone and limit_req)",
        `jail "${jailName}" has nothing to find`,
        "limit_req_zone $binary_remote_addr zone=visitors:10m rate=10r/s; and in a location: limit_req zone=visitors burst=20 nodelay;",
      ),
    ];
  }
  if (!valuesOf(directives, "limit_req_dry_run").some(([value]) => value === "on")) return [];
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
    const directives = await host.nginx();
    const { dump } = await host.fail2ban();
    const dumped = dump.jails.get(jailName);
    if (directives === null || dumped === undefined) return [];
    const [limit = "error"] = valuesOf(directives, "limit_req_log_level")[0] ?? [];
    const logs = valuesOf(directives, "error_log").map(([path = "", level = "error"]) => ({ path, level }));
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

function valuesOf(directives: readonly Directive[], name: string): readonly (readonly string[])[] {
  return directives.filter((directive) => directive.name === name).map(({ values }) => values);
}

function covers(wide: Address, narrow: Address): boolean {
  if (wide.family !== narrow.family || wide.prefix > narrow.prefix) return false;
  return fromBytes(toBytes(narrow), wide.prefix)?.text === wide.text;
}
