import type { ProfileConfig } from "../../config.ts";
import { requirements } from "../../wire/inspect.ts";
import type { Backend, Ground, Requirement } from "../../wire/inspect.ts";
import { groundsOf } from "../login/places.ts";
import type { Places } from "../login/places.ts";
import { bad, distinct, foundBy, ok, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { Host, ProfileSeen } from "./host.ts";

/** A token that ends within this time is to be renewed. */
const soonMs = 14 * 86_400_000;

/** What blocks for a profile. */
function backendOf({ list }: ProfileConfig): Backend {
  return list === null ? "access-rules" : "list";
}

/** The findings of every profile of the configuration. */
export async function ofProfiles(
  host: Host,
  look: (profile: ProfileConfig, seen: ProfileSeen) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const findings = [...host.config().profiles.values()].map((profile) =>
    foundBy(async () => look(profile, await host.profile(profile))),
  );
  return distinct((await Promise.all(findings)).flat());
}

export const token: Check = {
  name: "token",
  run: (host) => ofProfiles(host, async (_, seen) => [stateOf(seen, host.runtime.now())]),
};

function stateOf({ found, token: state }: ProfileSeen, now: number): Finding {
  if (found.credential.kind === "key") return ok("Cloudflare accepts the Global API Key");
  if (state === null) return ok("Cloudflare accepts the API token");
  const ends = state.expiresAt === null ? null : new Date(state.expiresAt).toISOString().slice(0, 10);
  if (state.expiresAt === null || state.expiresAt - now > soonMs) {
    return ok(`The API token is active${ends === null ? "" : `, until ${ends}`}`);
  }
  return warn(
    `The API token ends on ${ends}`,
    "from then on nothing is blocked any more",
    "renew it in Cloudflare's dashboard, or create another: fail2ban-cloudflare login",
  );
}

export const permissions: Check = {
  name: "permissions",
  run: (host) =>
    ofProfiles(host, async (profile, seen) => {
      const backend = backendOf(profile);
      const findings = placesOf(profile).map((place) =>
        foundBy(async () => {
          const grounds = await groundsOf(seen.inspection, place, { backend, seen });
          const needed = requirements(backend, grounds);
          return [...grounds.flatMap((ground) => inactive(ground, seen)), ...(await lacking(needed, seen))];
        }),
      );
      return (await Promise.all(findings)).flat();
    }),
};

/** Each for itself where one can be wrong without the others. */
function placesOf({ zones, account }: ProfileConfig): readonly Places[] {
  if (account !== null || zones.length === 0) return [{ zones, account }];
  return zones.map((zone) => ({ zones: [zone], account: null }));
}

function inactive({ id, label }: Ground, { zones }: ProfileSeen): Finding[] {
  const status = zones.find((zone) => zone.id === id)?.status ?? "active";
  if (status === "active") return [];
  return [
    warn(
      `Cloudflare calls ${label} ${status}`,
      "its visitors do not come through Cloudflare, so nobody is blocked there",
      "finish its set-up in Cloudflare's dashboard",
    ),
  ];
}

async function lacking(
  needed: readonly Requirement[],
  { inspection, found }: ProfileSeen,
): Promise<Finding[]> {
  const findings = needed.map(async (requirement) => {
    const { label, permission } = requirement;
    const right = await inspection.probe(requirement);
    if (right === "edit") return ok(`${label}: ${permission}`);
    const isUsers = label === "the user's own rules" && found.credential.kind === "token";
    return bad(
      `The credential lacks ${permission} for ${label}${right === "read" ? ", and may only read" : ""}`,
      "bans are recorded, and never blocked there",
      isUsers
        ? "name zones: fail2ban-cloudflare login"
        : "give it that in Cloudflare's dashboard, then: fail2ban-cloudflare deliver --once",
    );
  });
  return Promise.all(findings);
}
