import { join } from "node:path";
import { profileNamed } from "./config.ts";
import type { Config, ProfileConfig } from "./config.ts";
import type { Address } from "./core/address.ts";
import type { Courier } from "./core/courier.ts";
import { intake } from "./core/intake.ts";
import { knownRanges, rememberRanges } from "./core/ranges.ts";
import { compareHolds, recoverBans } from "./core/recover.ts";
import { turnsByName } from "./core/turns.ts";
import { readCredential } from "./credential.ts";
import { Failure } from "./errors.ts";
import { bannedUntil, databasePath, emptyState, readState } from "./fail2ban/bips.ts";
import { intakeOptions } from "./intake-options.ts";
import type { Runtime } from "./runtime.ts";
import { client, forgetful, publishedRanges, uncounted } from "./wire/client.ts";
import { idsOf } from "./wire/ids.ts";
import { findPlaces } from "./wire/places.ts";
import type { Found } from "./wire/places.ts";
import { wireProfile } from "./wire/profile.ts";
import type { Shared, WireOptions } from "./wire/profile.ts";
import { rebuild } from "./wire/rebuild.ts";

/** Puts together what delivers: one delivery per profile of the configuration. */
export async function wireCourier(
  options: WireOptions,
  hooks: Pick<Courier, "beforeLook" | "outdated">,
): Promise<Courier & AsyncDisposable> {
  const { runtime, config, journal, log } = options;
  const shared: Shared = { users: new Map(), gates: new Map(), turnsOf: turnsByName() };
  const deliveries = await Promise.all(
    [...config.profiles.values()].map((profile) => wireProfile(options, profile, shared)),
  );
  const database = databasePath(config.fail2ban);
  const fail2banState = () => (database === null ? emptyState : readState(join(runtime.root, database)));
  const comparing = async () => {
    const ranges = await knownRanges(journal);
    return {
      host: config.host,
      now: runtime.now(),
      networksOf: (name: string, address: Address) =>
        intake(address, intakeOptions(runtime, config, profileNamed(config, name), ranges)),
    };
  };
  return {
    journal,
    deliveries,
    fail2banState,
    compareHolds: async (jails, state) => compareHolds(journal, jails, state, await comparing()),
    restartMs: config.restartGraceMs,
    rebuild: async (profile, found) => {
      const state = fail2banState();
      if (state === null)
        throw new Failure("unavailable", "Cannot read fail2ban's bans now", { hint: "it is tried again" });
      await rebuild(options, profile, found, state);
    },
    stillBanned: () => {
      const state = fail2banState();
      return state === null ? null : bannedUntil(state.bans);
    },
    recover: async () => {
      const state = fail2banState();
      if (state === null) return;
      const count = await recoverBans(journal, state.bans, await comparing());
      if (count > 0) log("warn", "", `Recovered ${count} bans of fail2ban that the journal did not have`);
    },
    refreshRanges: async () => {
      try {
        await deliveries[0]?.gate.admit();
        await rememberRanges(journal, await publishedRanges(runtime, config));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        log("warn", "", `${error.message}: those known before are used`);
      }
    },
    now: runtime.now,
    sleep: (ms) => runtime.sleep(ms, runtime.signal),
    ...hooks,
    [Symbol.asyncDispose]: async () => {
      for (const delivery of deliveries) await delivery.gate.close();
    },
  };
}

/** The places of a profile without a journal: nothing is counted, nothing remembered. */
export async function openDirectly({
  runtime,
  config,
  profile,
  hardStop,
}: {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly profile: ProfileConfig;
  readonly hardStop: AbortSignal;
}): Promise<Found> {
  const { credential, fingerprint } = readCredential(runtime, config, profile);
  const call = client({ runtime, config, credential, hardStop, gate: uncounted });
  const ids = idsOf(forgetful, fingerprint, call);
  return findPlaces({
    runtime,
    config,
    profile,
    journal: forgetful,
    call,
    ids,
    log: () => {},
    turnsOf: turnsByName(),
    provisioning: "never",
    paused: async () => null,
  });
}
