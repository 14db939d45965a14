import { join } from "node:path";
import { profileNamed } from "../../config.ts";
import { readAddress } from "../../core/address.ts";
import { intake } from "../../core/intake.ts";
import { Failure } from "../../errors.ts";
import { databasePath, readState } from "../../fail2ban/bips.ts";
import { intakeOptions } from "../../intake-options.ts";
import { usesOf } from "./action.ts";
import { bad, orWell } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { Host } from "./host.ts";

/** fail2ban writes a ban down a moment before or after its hook has recorded it. */
const momentMs = 2_000;

/** Most that are named. */
const mostNamed = 5;

interface Ban {
  readonly jail: string;
  readonly address: string;
  /** Why it is not for the edge; null: it is. */
  readonly refusal: Failure | "ignored" | null;
}

/** Whether the journal has what fail2ban bans in the jails that call us. */
export const bans: Check = {
  name: "bans",
  async run(host) {
    const { dump } = await host.fail2ban();
    const path = databasePath(host.directory);
    const profiles = new Map(usesOf(dump).map(({ jail, options }) => [jail, options.get("cfprofile") ?? ""]));
    const look = async () => {
      const found = path === null ? [] : await bansOf(host, join(host.runtime.root, path), profiles);
      const held = new Set(
        (await host.journal()?.holds(null))?.map(({ jail, address }) => `${jail} ${address}`),
      );
      return { found, lost: found.filter((ban) => ban.refusal === null && !held.has(nameOf(ban))) };
    };
    const { found, lost } = await look();
    return orWell(
      [...found.flatMap(unsafe), ...unrecorded(lost.length === 0 ? [] : await lasting(lost))],
      `The journal has what fail2ban bans at Cloudflare: ${found.length} addresses`,
    );

    async function lasting(first: readonly Ban[]): Promise<readonly Ban[]> {
      await host.runtime.sleep(momentMs, host.runtime.signal);
      const before = new Set(first.map(nameOf));
      return (await look()).lost.filter((ban) => before.has(nameOf(ban)));
    }
  },
};

function nameOf({ jail, address }: Ban): string {
  return `${jail} ${address}`;
}

async function bansOf(
  host: Host,
  database: string,
  profiles: ReadonlyMap<string, string>,
): Promise<readonly Ban[]> {
  const now = host.runtime.now();
  const ranges = await host.ranges();
  return (readState(database)?.bans ?? []).flatMap(({ jail, ip, running, untilAt }): Ban[] => {
    const [profile, address] = [profiles.get(jail), readAddress(ip)];
    if (profile === undefined || address === null || !running || untilAt < now + momentMs) return [];
    const { config, runtime } = host;
    if (!config().profiles.has(profile)) return [];
    try {
      const options = intakeOptions(runtime, config(), profileNamed(config(), profile), ranges);
      const networks = intake(address, options);
      return [{ jail, address: address.text, refusal: networks === null ? "ignored" : null }];
    } catch (error) {
      if (error instanceof Failure) return [{ jail, address: address.text, refusal: error }];
      throw error;
    }
  });
}

function unsafe({ jail, address, refusal }: Ban): Finding[] {
  if (!(refusal instanceof Failure)) return [];
  return [
    bad(
      `fail2ban bans ${address} in jail "${jail}"`,
      refusal.message,
      `${refusal.hint ?? "add it to ignoreip"}; then: fail2ban-client set ${jail} unbanip ${address}`,
    ),
  ];
}

function unrecorded(lost: readonly Ban[]): Finding[] {
  if (lost.length === 0) return [];
  const named = lost.slice(0, mostNamed).map(({ address }) => address);
  const more = lost.length > mostNamed ? ` and ${lost.length - mostNamed} more` : "";
  return [
    bad(
      `fail2ban bans ${named.join(", ")}${more}, and the journal does not have that`,
      "nothing of it is blocked at Cloudflare",
      "fail2ban-cloudflare sync",
    ),
  ];
}
