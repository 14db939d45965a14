import { usesOf } from "./action.ts";
import { bad, orWell } from "./check.ts";
import type { Check, Finding } from "./check.ts";

/** What the running fail2ban does, which need not be what its files say. */
export const live: Check = {
  name: "live jails",
  async run(host) {
    const { client, dump } = await host.fail2ban();
    if (!(await client.isRunning())) {
      return [
        bad(
          "fail2ban is not running",
          "nobody is banned",
          "systemctl start fail2ban; journalctl -u fail2ban",
        ),
      ];
    }
    const findings: Finding[] = [];
    for (const { jail, action } of usesOf(dump)) {
      const running = await client.actionsOf(jail);
      if (running === null) {
        findings.push(
          bad(
            `fail2ban does not run jail "${jail}"`,
            "its files are newer than the server",
            "fail2ban-client reload",
          ),
        );
      } else if (!running.includes(action)) {
        findings.push(
          bad(
            `Jail "${jail}" runs without action "${action}"`,
            "a plain reload drops an action that is new to a running jail",
            `fail2ban-client reload --restart ${jail}`,
          ),
        );
      }
    }
    return orWell(findings, "fail2ban runs every jail that calls fail2ban-cloudflare");
  },
};
