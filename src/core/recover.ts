import { readAddress } from "./address.ts";
import type { Address } from "./address.ts";
import { Failure } from "../errors.ts";
import type { HoldLedger, JailLedger } from "./ports.ts";

/** A ban that fail2ban's database has. */
export interface Fail2banBan {
  readonly jail: string;
  readonly ip: string;
  /** Milliseconds since 1970; Infinity: for ever. */
  readonly untilAt: number;
  /** Whether the jail runs, or ran when fail2ban was killed; false after it was stopped. */
  readonly running: boolean;
}

/** What fail2ban's database says. */
export interface Fail2banState {
  readonly jails: ReadonlySet<string>;
  readonly bans: readonly Fail2banBan[];
}

/** A ban that ends sooner is left to end. */
const worthMs = 5_000;

export interface RecoverOptions {
  readonly host: string;
  readonly now: number;
  /** The networks to block in a profile; null: ignored. Throws a Failure for an address that is refused. */
  networksOf(profile: string, address: Address): readonly Address[] | null;
}

/**
 * Holds what fail2ban bans in the jails that we know and the journal has not: bans whose hook could not record them.
 * Returns how many there were.
 */
export async function recoverBans(
  journal: HoldLedger & JailLedger,
  bans: readonly Fail2banBan[],
  { host, now, networksOf }: RecoverOptions,
): Promise<number> {
  let recovered = 0;
  for (const { jail, profile, mode } of await journal.jails(host)) {
    const holder = { profile, jail, host };
    const held = await journal.heldBy(holder);
    for (const ban of bans) {
      if (ban.jail !== jail || !ban.running || ban.untilAt < now + worthMs) continue;
      const address = readAddress(ban.ip);
      if (address === null || held.has(address.text)) continue;
      const networks = tryNetworks(() => networksOf(profile, address));
      if (networks === null) continue;
      const untilAt = Number.isFinite(ban.untilAt) ? ban.untilAt : null;
      await journal.hold({ ...holder, address, networks, mode, untilAt }, now);
      recovered += 1;
    }
  }
  return recovered;
}

/** The hook has said why an address is refused; here it is only left out. */
function tryNetworks(networks: () => readonly Address[] | null): readonly Address[] | null {
  try {
    return networks();
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}
