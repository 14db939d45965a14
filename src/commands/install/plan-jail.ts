import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../errors.ts";
import { jailFile, jailLogs, jailName, jailPath } from "../../fail2ban/files.ts";
import { overridesOf } from "../../fail2ban/overrides.ts";
import { isAtLeast } from "../../fail2ban/version.ts";
import type { Fail2banVersion } from "../../fail2ban/version.ts";
import type { Places } from "./places.ts";
import type { InstallOptions } from "./plan.ts";
import { placeFile } from "./steps.ts";
import type { Step } from "./steps.ts";

/** Why the jail would keep fail2ban from starting; null where it would not. */
export function jailObstacle(places: Places, version: Fail2banVersion): Failure | null {
  const refuse = (state: string, hint: string): Failure =>
    new Failure("config", `Cannot enable jail "${jailName}": ${state}`, {
      hint: `${hint}, or leave the jail out: install --no-jail`,
    });
  if (!isAtLeast(version, [0, 9]))
    return refuse("this fail2ban does not read jail.d", "upgrade fail2ban to 0.9.4 or later");
  const filters = join(places.fail2ban, "filter.d");
  if (existsSync(filters) && !existsSync(join(filters, `${jailName}.conf`)))
    return refuse(`"${filters}/${jailName}.conf" is missing`, "upgrade fail2ban to 0.9.4 or later");
  const overrides = overridesOf(places.fail2ban, jailName);
  const logsElsewhere = overrides.some(({ options }) => options.has("logpath") || options.has("backend"));
  if (places.live && !logsElsewhere && globSync(join(places.root, jailLogs)).length === 0)
    return refuse(`no file matches ${jailLogs}, and fail2ban would not start`, "install nginx");
  return null;
}

/** Places the jail; throws a failure where it would keep fail2ban from starting. */
export function planJail(places: Places, { version, force }: InstallOptions): Step {
  const obstacle = jailObstacle(places, version);
  if (obstacle !== null) throw obstacle;
  const step = placeFile(
    join(places.fail2ban, jailPath),
    jailFile(version, { iptables: hasIptables(places) }),
    {
      force,
    },
  );
  const winner = overridesOf(places.fail2ban, jailName).findLast(({ options }) => options.has("action"));
  if (winner === undefined) return step;
  const note = `"${winner.path}" sets another action for jail "${jailName}", and wins: it must name cloudflare too`;
  return { ...step, note: step.note === undefined ? note : `${step.note}; ${note}` };
}

function hasIptables({ root, live }: Places): boolean {
  const system = live || existsSync(join(root, "/usr/bin")) || existsSync(join(root, "/bin"));
  const directories = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];
  return !system || directories.some((directory) => existsSync(join(root, directory, "iptables")));
}
