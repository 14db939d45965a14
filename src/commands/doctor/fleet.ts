import { goneHosts } from "../../core/fleet.ts";
import { timestamp } from "../../core/text.ts";
import { bad, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";

/** A server that is there says so every ten seconds. */
const absentMs = 60_000;

/** Whether the fleet's database can be used, this server is in it, and all others still are. */
export const fleet: Check = {
  name: "fleet",
  async run(host) {
    const { fleet: config, host: own } = host.config();
    const journal = await host.fleet();
    if (config === null || journal === null) return [];
    const now = host.runtime.now() + journal.aheadMs();
    const hosts = await journal.hosts();
    const here = hosts.find((one) => one.host === own);
    const findings: Finding[] = goneHosts(hosts, now, config.goneAfterMs)
      .filter((one) => one !== here)
      .map((one) =>
        warn(
          `Server "${one.host}" of the fleet was not seen since ${timestamp(one.seenAt)}`,
          "what it held stays blocked",
          `where it is gone for good: fail2ban-cloudflare fleet retire ${one.host}`,
        ),
      );
    if (here === undefined || now - here.seenAt > absentMs) {
      const since = here === undefined ? "not joined the fleet yet" : "been out of touch with the fleet";
      findings.push(
        bad(
          `This server has ${since}${here === undefined ? "" : ` since ${timestamp(here.seenAt)}`}`,
          "its bans are recorded here, and not blocked at Cloudflare",
          "systemctl restart fail2ban-cloudflare; and see its log",
        ),
      );
    }
    return orWell(findings, `Fleet "${config.name}" has ${hosts.length} servers, and all are there`);
  },
};
