import type { Journal } from "../core/journal.ts";
import type { Entry } from "../core/ports.ts";
import { readAddress } from "../core/address.ts";
import type { Fail2banState } from "../core/recover.ts";
import { bannedUntil } from "../fail2ban/bips.ts";
import type { WireOptions } from "./profile.ts";

/** See `Courier.rebuild`. */
export async function rebuild(
  { runtime, config, journal, log }: WireOptions<Journal>,
  profile: string,
  found: readonly Entry[],
  { jails, bans }: Fail2banState,
): Promise<void> {
  const stillBannedUntil = bannedUntil(bans);
  for (const { jail, network: text, mode } of found) {
    const network = readAddress(text);
    if (jail === null || network === null || mode === null || mode === "whitelist") continue;
    const holder = { profile, jail, host: config.host };
    await journal.know(holder, mode);
    const untilAt = jails.has(jail) ? stillBannedUntil(jail, text) : Number.POSITIVE_INFINITY;
    if (untilAt === null || untilAt <= runtime.now()) continue;
    const end = Number.isFinite(untilAt) ? untilAt : null;
    await journal.hold(
      { ...holder, address: network, networks: [network], mode, untilAt: end },
      runtime.now(),
    );
  }
  if (found.length > 0)
    log("warn", "", `A new journal has taken over what it found of ours: ${found.length} blocks`);
}
