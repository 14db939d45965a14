import { readAddress } from "./address.ts";
import type { Address } from "./address.ts";
import { Failure } from "../errors.ts";
import type { Hold, Holder } from "./hold.ts";
import type { Held, HoldLedger, JailLedger, KnownJail } from "./journal.ts";

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

/** fail2ban writes a ban into its database some time after its actions. */
const writtenWithinMs = 60_000;

/** Ends that differ by less are the same: an action may run a while after the ban. */
const sameEndMs = 60_000;

export interface CompareOptions {
  readonly host: string;
  readonly now: number;
  /** The networks to block in a profile; null: ignored. Throws a Failure for an address that is refused. */
  networksOf(profile: string, address: Address): readonly Address[] | null;
}

/** How what jails hold differs from what fail2ban bans in them. */
export interface HoldDifference {
  /** Banned, and not held. */
  readonly missing: readonly Hold[];
  /** Held, to another end than the ban's. */
  readonly moved: readonly Hold[];
  /** Held, and not banned any more. */
  readonly over: readonly (Holder & { readonly address: Address })[];
}

/** Compares jails of ours; a jail that fail2ban's database does not know holds what it likes. */
export async function compareHolds(
  journal: JailLedger,
  jails: readonly KnownJail[],
  state: Fail2banState,
  options: CompareOptions,
): Promise<HoldDifference> {
  const { host, now } = options;
  const differences = jails.map(async ({ jail, profile, mode }) => {
    const holder = { profile, jail, host };
    const held = await journal.heldBy(holder);
    const bans = liveBans(state, jail, now);
    const banned = new Set(bans.map(({ address }) => address.text));
    const lasting = bans.filter(({ running, untilAt }) => running && untilAt >= now + worthMs);
    const holds = lasting.flatMap(({ address, untilAt: end }): Hold[] => {
      const networks = tryNetworks(() => options.networksOf(profile, address));
      const untilAt = Number.isFinite(end) ? end : null;
      return networks === null ? [] : [{ ...holder, address, networks, mode, untilAt }];
    });
    const over = [...held].filter(([text, hold]) => !banned.has(text) && isOver(hold, now));
    return {
      missing: holds.filter(({ address }) => !held.has(address.text)),
      moved: holds.filter(({ address, untilAt }) => isMoved(held.get(address.text), untilAt)),
      over: state.jails.has(jail) ? over.flatMap(([text]) => overHold(holder, text)) : [],
    };
  });
  const all = await Promise.all(differences);
  return {
    missing: all.flatMap(({ missing }) => missing),
    moved: all.flatMap(({ moved }) => moved),
    over: all.flatMap(({ over }) => over),
  };
}

/**
 * Holds what fail2ban bans in the jails that we know and the journal has not: bans whose hook could not record them.
 * Returns how many there were.
 */
export async function recoverBans(
  journal: HoldLedger & JailLedger,
  bans: readonly Fail2banBan[],
  options: CompareOptions,
): Promise<number> {
  const jails = await journal.jails(options.host);
  const { missing } = await compareHolds(journal, jails, { jails: new Set(), bans }, options);
  for (const hold of missing) await journal.hold(hold, options.now);
  return missing.length;
}

/** The bans of a jail that have not ended. */
function liveBans({ bans }: Fail2banState, jail: string, now: number): readonly LiveBan[] {
  const own = bans.filter((ban) => ban.jail === jail && ban.untilAt > now);
  return own.flatMap((ban) => {
    const address = readAddress(ban.ip);
    return address === null ? [] : [{ ...ban, address }];
  });
}

interface LiveBan extends Fail2banBan {
  readonly address: Address;
}

function isMoved(held: Held | undefined, untilAt: number | null): boolean {
  if (held === undefined || held.released) return false;
  const [before, after] = [held.untilAt ?? Number.POSITIVE_INFINITY, untilAt ?? Number.POSITIVE_INFINITY];
  return before !== after && !(Math.abs(before - after) < sameEndMs);
}

function isOver({ sinceAt, released }: Held, now: number): boolean {
  return !released && sinceAt <= now - writtenWithinMs;
}

function overHold(holder: Holder, text: string): HoldDifference["over"] {
  const address = readAddress(text);
  return address === null ? [] : [{ ...holder, address }];
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
