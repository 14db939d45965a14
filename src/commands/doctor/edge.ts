import type { ProfileConfig } from "../../config.ts";
import type { CourierJournal } from "../../core/journal.ts";
import type { Blocklist } from "../../core/ports.ts";
import { difference } from "../../core/sync.ts";
import { openDirectly } from "../../wire.ts";
import { bad, foundBy, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { Host } from "./host.ts";
import { ofProfiles } from "./rights.ts";

/** Looking through the rules takes a call for each hundred; what is left belongs to the bans. */
const fewestCalls = 100;

/** Most that are named. */
const mostNamed = 5;

/** Whether Cloudflare has what the journal says it has. */
export const edge: Check = {
  name: "edge",
  async run(host) {
    const journal = await host.courierJournal();
    if (journal === null) return [];
    const { budget } = host.config();
    const { calls } = await journal.summary(host.runtime.now());
    if (budget - calls < fewestCalls) {
      return [
        warn(
          "The edge was not compared",
          "too few calls are left",
          "fail2ban-cloudflare doctor, in five minutes",
        ),
      ];
    }
    return ofProfiles(host, (profile) => compareProfile(host, profile, journal));
  },
};

async function compareProfile(
  host: Host,
  profile: ProfileConfig,
  journal: CourierJournal,
): Promise<readonly Finding[]> {
  const { config, runtime } = host;
  const options = { config: config(), profile, hardStop: runtime.signal };
  const { places } = await openDirectly({ runtime: host.runtimeOf(profile), ...options });
  const findings = await Promise.all(places.map((place) => foundBy(() => compare(place, profile, journal))));
  // A permission that is lacking is the other check's to say.
  return findings.flat().filter(({ failure }) => failure?.kind !== "rejected");
}

async function compare(
  place: Blocklist,
  { name }: ProfileConfig,
  journal: CourierJournal,
): Promise<Finding[]> {
  const entries = await Array.fromAsync(place.entries({ foreign: false }));
  const rows = await journal.known(place.place);
  const whitelisted = rows
    .filter(({ mode, owned }) => mode === "whitelist" && !owned)
    .map(({ network }) => network);
  const { missing, found, changed } = difference(
    rows.filter(({ owned }) => owned),
    entries,
  );
  // A courier is at work on what is pending.
  const settled = async (networks: readonly string[]): Promise<readonly string[]> => {
    const pending = await Promise.all(networks.map((network) => journal.progress(name, network)));
    return networks.filter((_, index) => pending[index] === null);
  };
  const differing: readonly [readonly string[], string, string][] = [
    [await settled(missing), "are gone from", "they are not blocked there"],
    [
      await settled(found.map(({ network }) => network)),
      "are ours and forgotten at",
      "they stay blocked for ever",
    ],
    [await settled(changed), "were changed by somebody at", "they are not blocked as the jails want it"],
  ];
  const findings = differing
    .filter(([networks]) => networks.length > 0)
    .map(([networks, state, why]) =>
      bad(`${listed(networks)} ${state} ${place.label}`, why, "fail2ban-cloudflare sync"),
    );
  if (whitelisted.length > 0) {
    findings.push(
      warn(
        `${listed(whitelisted)} have a rule at ${place.label} that lets them in`,
        "it is somebody's wish, and stays; fail2ban's ban has no effect there",
        "take the rule away in Cloudflare's dashboard, or add the address to ignoreip of fail2ban",
      ),
    );
  }
  return [...orWell(findings, `${place.label} has what the journal says: ${entries.length} of ours`)];
}

function listed(networks: readonly string[]): string {
  const more = networks.length > mostNamed ? ` and ${networks.length - mostNamed} more` : "";
  return `${networks.slice(0, mostNamed).join(", ")}${more}`;
}
