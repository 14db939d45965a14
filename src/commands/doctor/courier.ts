import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { placesOf } from "../install/places.ts";
import { bad, foundBy, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { Host } from "./host.ts";
import { ofProcesses } from "./processes.ts";

const timeoutMs = 10_000;
const watchers = ["fail2ban-cloudflare.path", "fail2ban-cloudflare.timer"] as const;
const enable = `systemctl enable --now ${watchers.join(" ")}`;

/** The courier removes the wake file before it looks; the timer has one look every minute. */
const unansweredMs = 90_000;

/** Whether somebody runs the courier: when a hook asks for it, every minute, and after a boot. */
export const courier: Check = {
  name: "courier",
  async run(host) {
    const { runtime } = host;
    const { systemd } = placesOf(runtime, undefined, "/etc/fail2ban");
    const waiting = await foundBy(() => unanswered(host));
    const findings = [...waiting, ...(systemd ? await units(host) : cron(host))];
    return orWell(findings, `The courier is run by ${systemd ? "systemd" : "cron"}`);
  },
};

function unanswered({ config, runtime }: Host): Finding[] {
  const wake = statSync(join(dirname(config().journal), "wake"), { throwIfNoEntry: false });
  if (wake === undefined || runtime.now() - wake.mtimeMs < unansweredMs) return [];
  return [
    bad(
      "No courier has answered to the last ban",
      "what is recorded is not delivered",
      `${enable}; journalctl -u fail2ban-cloudflare`,
    ),
  ];
}

async function units(host: Host): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const unit of watchers) {
    if (!(await systemctl(host, "is-active", unit))) {
      findings.push(bad(`${unit} does not run`, "bans are delivered late, or not at all", enable));
    } else if (!(await systemctl(host, "is-enabled", unit))) {
      findings.push(bad(`${unit} is not enabled`, "after the next boot nothing is delivered", enable));
    }
  }
  if (await systemctl(host, "is-failed", "fail2ban-cloudflare.service")) {
    findings.push(
      bad(
        "The last courier failed",
        "what is recorded may not be delivered",
        "journalctl -u fail2ban-cloudflare",
      ),
    );
  }
  return findings;
}

/** Whether systemctl says yes. */
async function systemctl({ runtime }: Host, ...words: readonly string[]): Promise<boolean> {
  const program = ["/usr/bin", "/bin"]
    .map((bin) => join(runtime.root, bin, "systemctl"))
    .find((path) => existsSync(path));
  return (
    program !== undefined && (await runtime.run([program, "--quiet", ...words], { timeoutMs })).code === 0
  );
}

function cron({ runtime }: Host): Finding[] {
  const names = ofProcesses(runtime.root, "comm").map(({ text }) => text.trim());
  if (names.some((name) => /^(cron|crond|fcron)$/.test(name))) return [];
  return [
    warn(
      "No cron daemon runs",
      "after an outage or a boot nothing is delivered until the next ban",
      "start cron, or have this run every minute: fail2ban-cloudflare deliver",
    ),
  ];
}
