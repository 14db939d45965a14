import type { Config, ProfileConfig } from "./config.ts";
import type { Courier } from "./core/courier.ts";
import { rememberRanges } from "./core/ranges.ts";
import { turnsByName } from "./core/turns.ts";
import { readCredential } from "./credential.ts";
import { Failure } from "./errors.ts";
import type { Runtime } from "./runtime.ts";
import { client, forgetful, publishedRanges, uncounted } from "./wire/client.ts";
import type { HostSide } from "./wire/host.ts";
import { idsOf } from "./wire/ids.ts";
import { findPlaces } from "./wire/places.ts";
import type { Found } from "./wire/places.ts";
import { wireProfile } from "./wire/profile.ts";
import type { Shared, WireOptions } from "./wire/profile.ts";

/** Puts together what delivers: one delivery per profile of the configuration. */
export async function wireCourier(
  options: WireOptions,
  { adapt, ...host }: HostSide,
  hooks: Pick<Courier, "beforeLook" | "outdated">,
): Promise<Courier & AsyncDisposable> {
  const { runtime, config, journal, log } = options;
  await adapt();
  const shared: Shared = {
    users: new Map(),
    gates: new Map(),
    turnsOf: turnsByName(),
    turnsAt: turnsByName(),
  };
  const deliveries = await Promise.all(
    [...config.profiles.values()].map((profile) => wireProfile(options, profile, shared)),
  );
  return {
    journal,
    deliveries,
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
    ...host,
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
    mended: async () => {},
    lastMet: async () => null,
    met: async () => {},
  });
}
