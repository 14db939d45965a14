import { modeOfList } from "../cloudflare/list-names.ts";
import type { Provided } from "../cloudflare/provision.ts";
import type { ProfileConfig } from "../config.ts";
import { gate } from "../core/gate.ts";
import type { CourierJournal, KnownJail } from "../core/journal.ts";
import { turnsByName } from "../core/turns.ts";
import { readCredential } from "../credential.ts";
import { client, forgetful, hardStop, uncounted } from "./client.ts";
import { idsOf } from "./ids.ts";
import { openLists } from "./places.ts";
import type { OpenList } from "./places.ts";
import type { WireOptions } from "./profile.ts";

export interface ProvisionOptions extends Omit<WireOptions, "journal"> {
  readonly profile: ProfileConfig;
  /** null where there is none yet: then calls are not counted, and nothing is remembered. */
  readonly journal: CourierJournal | null;
}

/**
 * Has the lists that a profile uses, and the rules that act on them, as they are to be; "look" only says what is not.
 * Nothing to do for one that uses access rules. May be interrupted and begun again.
 */
export async function provisionLists(
  options: ProvisionOptions & { readonly jails: readonly KnownJail[] },
  how: "mend" | "look",
): Promise<readonly Provided[]> {
  const { profile, jails } = options;
  // Its own mode, and those that its jails ask for.
  const asked = jails.filter((jail) => jail.profile === profile.name).map(({ mode }) => mode);
  const used = new Set([profile.mode, ...asked]);
  return eachList(options, async ({ name, account, provision }) => {
    const needed = used.has(modeOfList(name)) || (await account.lists.idOf(name)) !== null;
    return needed ? provision.provide(how) : [];
  });
}

/** Removes a profile's rules and lists; a list stays, with its rules, that still has items in it: ours go first. */
export async function removeProvision(options: ProvisionOptions): Promise<readonly Provided[]> {
  return eachList(options, ({ provision }) => provision.remove());
}

async function eachList(
  { runtime, config, profile, journal, log }: ProvisionOptions,
  work: (list: OpenList) => Promise<readonly Provided[]>,
): Promise<readonly Provided[]> {
  if (profile.list === null) return [];
  const { credential, fingerprint } = readCredential(runtime, config, profile);
  const { now, random } = runtime;
  const { budget } = config;
  const door = journal === null ? uncounted : gate(journal, { credential: fingerprint, budget, now, random });
  const call = client({ runtime, config, credential, gate: door, hardStop: hardStop(runtime) });
  const facts = journal ?? forgetful;
  const ids = idsOf(facts, fingerprint, call);
  const options = {
    runtime,
    config,
    profile,
    journal: facts,
    call,
    ids,
    log,
    turnsOf: turnsByName(),
  };
  try {
    const provided: Provided[] = [];
    for (const list of await openLists(options, profile.list)) provided.push(...(await work(list)));
    return provided;
  } finally {
    await door.close();
  }
}
