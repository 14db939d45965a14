import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMode, modes } from "../../core/hold.ts";
import type { Dump, DumpedJail } from "../../fail2ban/dump.ts";
import { programName } from "../../fail2ban/files.ts";
import { bad, foundBy, orWell } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { Host } from "./host.ts";

/** An action of a jail that calls us. */
export interface Use {
  readonly jail: string;
  readonly action: string;
  readonly options: ReadonlyMap<string, string>;
}

export function usesOf({ jails }: Dump): readonly Use[] {
  return [...jails].flatMap(([jail, dumped]) =>
    [...new Set(dumped.actions)]
      .filter((action) => callsUs(dumped, action))
      .map((action) => ({ jail, action, options: dumped.options(action) })),
  );
}

export function callsUs(jail: DumpedJail, action: string): boolean {
  return jail.commands(action).some((command) => command.includes(programName));
}

/** How the jails call us. */
export const action: Check = {
  name: "action",
  async run(host) {
    const uses = usesOf((await host.fail2ban()).dump);
    if (uses.length === 0) {
      return [
        bad(
          "No jail calls fail2ban-cloudflare",
          "nothing is blocked at Cloudflare",
          "fail2ban-cloudflare install",
        ),
      ];
    }
    return orWell(
      [
        ...uses.flatMap((use) => [...foreignParts(use), ...program(use, host), ...unrestored(use)]),
        ...(await foundBy(() => uses.flatMap((use) => settings(use, host)))),
      ],
      `Called by jail ${[...new Set(uses.map(({ jail }) => jail))].join(", ")}`,
    );
  },
};

/** A .local beside the package's .conf overrides option by option: the rest stays the package's. */
function foreignParts({ jail, action: name, options }: Use): Finding[] {
  const foreign = [...options].filter(
    ([option, command]) =>
      /^action(start|stop|flush|ban|unban|prolong)$/.test(option) &&
      command !== "" &&
      !command.includes(programName),
  );
  if (foreign.length === 0) return [];
  return [
    bad(
      `Action "${name}" of jail "${jail}" is ours only in part: ${foreign.map(([option]) => option).join(", ")} is another's`,
      "what the one bans, the other does not know",
      `see action.d/${name}.local, and: fail2ban-cloudflare install`,
    ),
  ];
}

function program({ jail, options }: Use, { runtime }: Host): Finding[] {
  const path = options.get("cfbin");
  if (path === undefined) return [];
  const full = join(runtime.root, path);
  const state = !existsSync(full)
    ? "is not there"
    : (statSync(full).mode & 0o111) === 0
      ? "cannot be run"
      : null;
  if (state === null) return [];
  return [
    bad(`Jail "${jail}" calls "${path}", which ${state}`, "every ban fails", "fail2ban-cloudflare install"),
  ];
}

function settings({ jail, options }: Use, host: Host): Finding[] {
  const [configuration, profile, mode] = ["cfconf", "cfprofile", "cfmode"].map(
    (name) => options.get(name) ?? "",
  ) as [string, string, string];
  const findings: Finding[] = [];
  if (
    configuration !== "" &&
    ![configuration, join(host.runtime.root, configuration)].includes(host.configPath)
  ) {
    findings.push(
      bad(
        `Jail "${jail}" uses the configuration "${configuration}"`,
        `this looked at "${host.configPath}"`,
        `fail2ban-cloudflare --config ${configuration} doctor`,
      ),
    );
  }
  if (!host.config().profiles.has(profile)) {
    findings.push(
      bad(
        `Jail "${jail}" uses profile "${profile}", which is not in "${host.configPath}"`,
        "every ban of it fails",
        `fail2ban-cloudflare login --profile ${profile}`,
      ),
    );
  }
  if (mode !== "" && !isMode(mode)) {
    findings.push(
      bad(
        `Jail "${jail}" uses mode "${mode}", which is none`,
        "every ban of it fails",
        `one of: ${modes.join(", ")}`,
      ),
    );
  }
  return findings;
}

/** Source: fail2ban issues 3990 and 3164. */
function unrestored({ jail, action: name, options }: Use): Finding[] {
  if (!/^(1|true|yes|on)$/i.test(options.get("norestored") ?? "")) return [];
  return [
    bad(
      `Action "${name}" of jail "${jail}" has norestored`,
      "after a restart fail2ban does not unban what it has restored, and the blocks stay",
      `take norestored out, then: fail2ban-client reload --restart ${jail}`,
    ),
  ];
}
