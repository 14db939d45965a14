import { placeOf } from "../cloudflare/access-rules.ts";
import type { NamedZone } from "../cloudflare/zones.ts";
import type { Config, ProfileConfig } from "../config.ts";
import type { Address } from "../core/address.ts";
import { reaches } from "../core/cover.ts";
import { intake } from "../core/intake.ts";
import type { CourierJournal, FactLedger, Journal } from "../core/journal.ts";
import { subjectOf } from "../core/trouble.ts";
import { Failure } from "../errors.ts";
import { intakeOptions } from "../intake-options.ts";
import type { WireOptions } from "./profile.ts";

/** After a change of credential or places, what Cloudflare refused before is tried at once and everywhere. */
export async function noticeChange(
  { runtime, config, journal }: WireOptions<CourierJournal>,
  profile: ProfileConfig,
  fingerprint: string,
): Promise<void> {
  // Of all profiles: what one that leaves a place held there too may be to stand otherwise now.
  const places = JSON.stringify([...config.profiles.values()].map((each) => placesText(config, each)));
  const name = `setup:${profile.name}`;
  const before = await journal.fact(name);
  const after = `${fingerprint} ${places}`;
  if (before === after) return;
  await journal.clearPauses(profile.name);
  await journal.hurry(profile.name);
  // Another credential too: until a place's id was found with it, another profile did not know who blocks there.
  if (before !== null) await journal.recheck(profile.name, "all", runtime.now());
  await journal.forgetResults(profile.name);
  await journal.setFact(name, after);
}

/** The id by which a profile has last blocked in a zone; null: it never did. */
export function lastMet(journal: FactLedger, { name }: ProfileConfig, zone: string): Promise<string | null> {
  return journal.fact(`zone-of:${name}:${zone}`);
}

/**
 * A zone that was removed and added again has another id, and nothing of ours: all that the profile holds is to be
 * blocked there. What it had at the former, which its credential does not see any more, is forgotten.
 */
export async function noticeZone(
  { runtime, journal, log }: WireOptions<CourierJournal>,
  profile: ProfileConfig,
  { id, name }: NamedZone,
): Promise<void> {
  const before = await lastMet(journal, profile, name);
  if (before === id) return;
  if (before !== null) {
    log(
      "warn",
      "",
      `Zone ${name} is ${id} at Cloudflare now, no longer ${before}: what is held is blocked there anew`,
    );
    await journal.setPause(subjectOf(profile, `zone ${name}`), null);
    await journal.recheck(profile.name, "all", runtime.now());
    await journal.forgetPlace(placeOf({ kind: "zone", id: before }), profile.name);
  }
  await journal.setFact(`zone-of:${profile.name}:${name}`, id);
}

/** Has other networks stand for what a profile holds whose new places do not take those that did so far. */
export async function recastMoved(
  { runtime, config, journal }: WireOptions<Journal>,
  profile: ProfileConfig,
): Promise<void> {
  const places = placesText(config, profile);
  const name = `cast:${profile.name}`;
  if ((await journal.fact(name)) === places) return;
  const options = intakeOptions(runtime, config, profile);
  const coverOf = (address: Address, network: Address): readonly Address[] | null => {
    if (reaches(options.reach, network)) return null;
    try {
      return intake(address, options);
    } catch (error) {
      // What cannot be covered is refused at the new place, and said.
      if (error instanceof Failure) return null;
      throw error;
    }
  };
  await journal.recast(profile.name, coverOf, runtime.now());
  await journal.setFact(name, places);
}

function placesText({ apiBase }: Config, { account, zones, list }: ProfileConfig): string {
  return JSON.stringify([account, zones, list, apiBase]);
}
