import { bad, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import { ofProfiles } from "./rights.ts";

/** Fewer than these are soon gone. */
const fewCalls = 100;

export const budget: Check = {
  name: "budget",
  async run(host) {
    // Whose answers say how many calls are left.
    const failures = (await ofProfiles(host, async () => [])).filter(({ state }) => state === "bad");
    const { budget: most } = host.config();
    const summary = await (await host.courierJournal())?.summary(host.runtime.now());
    const spent = summary?.calls ?? 0;
    const left = host.callsLeft();
    const findings: Finding[] = [];
    if (spent >= most * 0.9) {
      findings.push(
        warn(
          `${spent} of ${most} calls in five minutes are spent`,
          "what is left to deliver waits",
          "fail2ban-cloudflare status; where it lasts, ban longer, or networks: ipv6_prefix = 64",
        ),
      );
    }
    if (left !== null && left < fewCalls) {
      findings.push(
        bad(
          `Cloudflare leaves ${left} calls`,
          "somebody else spends what this user or account may make, and then all are shut out",
          "find who does; or create a token of an account's own, which counts for itself",
        ),
      );
    }
    return [...failures, ...orWell(findings, `${spent} of ${most} calls in five minutes are spent`)];
  },
};
