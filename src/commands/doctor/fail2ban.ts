import { databasePath } from "../../fail2ban/bips.ts";
import { isAtLeast } from "../../fail2ban/version.ts";
import { remedyOf } from "../install/fail2ban.ts";
import { bad, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";

export const fail2ban: Check = {
  name: "fail2ban",
  async run(host) {
    const { client, errors } = await host.fail2ban();
    const findings: Finding[] = errors.map((error) =>
      bad(
        `fail2ban finds a fault in its configuration: ${error}`,
        "with some, no jail runs after the next start",
        remedyOf(error) ?? "fail2ban-client -t",
      ),
    );
    const version = client.version.join(".");
    if (!isAtLeast(client.version, [0, 10])) {
      findings.push(
        warn(
          `fail2ban ${version} is old`,
          "it bans no IPv6 addresses, and lifts every block when it restarts",
          "upgrade it to 0.11 or later",
        ),
      );
    }
    if (databasePath(host.directory) === null) {
      findings.push(
        warn(
          "fail2ban keeps no database",
          "it forgets its bans when it restarts, and their blocks end with restart_grace",
          `leave dbfile out of "${host.directory}/fail2ban.local"`,
        ),
      );
    }
    return orWell(findings, `fail2ban ${version} finds no fault in its configuration`);
  },
};
