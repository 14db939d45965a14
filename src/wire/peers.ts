import { isId } from "../cloudflare/zones.ts";
import type { Config, ListConfig, ProfileConfig } from "../config.ts";
import type { FactLedger } from "../core/journal.ts";

export interface PeersOptions {
  readonly config: Config;
  readonly profile: ProfileConfig;
  readonly journal: FactLedger;
}

/** The profiles that use lists of one account, whatever each of them calls it. */
export interface Peers {
  /** The items that all lists of the account may hold: the least that one of the profiles says. */
  capacity(): Promise<number>;
  /** Where a list acts that several profiles may use; none: everywhere. */
  zonesFor(list: ListConfig): Promise<readonly string[]>;
}

/** The peers of a profile, itself among them; each that calls the account by name, from when it has first found it. */
export async function peersOf({ config, profile, journal }: PeersOptions, accountId: string): Promise<Peers> {
  await remember(journal, profile, accountId);

  async function isPeer(peer: ProfileConfig): Promise<boolean> {
    if (peer.list === null || peer.account === null) return false;
    const id = isId(peer.account) ? peer.account : await journal.fact(factOf(peer));
    return id === null ? peer.account === profile.account : id === accountId;
  }

  async function all(): Promise<readonly ProfileConfig[]> {
    const profiles = [...config.profiles.values()];
    const found = await Promise.all(profiles.map(isPeer));
    return profiles.filter((_, index) => found[index]);
  }

  return {
    async capacity() {
      return Math.min(...(await all()).map(({ list }) => list?.capacity ?? Infinity));
    },
    async zonesFor({ name }) {
      const users = (await all()).filter(({ list }) => list?.name === name);
      return users.some(({ zones }) => zones.length === 0)
        ? []
        : [...new Set(users.flatMap(({ zones }) => zones))].toSorted();
    },
  };
}

/** By profile, not by credential: another token does not make another account of it. */
async function remember(journal: FactLedger, profile: ProfileConfig, accountId: string): Promise<void> {
  const fact = factOf(profile);
  if ((await journal.fact(fact)) !== accountId) await journal.setFact(fact, accountId);
}

function factOf({ name, account }: ProfileConfig): string {
  return `list-account:${name}:${account}`;
}
