import { readAddress } from "./address.ts";
import type { Delivery } from "./deliver.ts";
import { plan } from "./plan.ts";
import type { Blocklist } from "./ports.ts";

/** What no pending network of the profile would bring to what is wanted at a place; additions only where it blocks. */
export async function astray(
  { journal, profile, profilesOf }: Delivery,
  { place, mode }: Blocklist,
  blocksHere: boolean,
): Promise<readonly string[]> {
  const site = { place, mode, profiles: profilesOf(place) };
  const networks = await journal.astray(profile.name, site);
  const standing = await journal.standing(networks);
  return standing.flatMap((stands, index) => {
    const network = readAddress(networks[index] ?? "");
    if (network === null) return [];
    const kind = plan({ pending: { network }, ...stands }, site)?.kind ?? "forget";
    return kind === "remove" || (blocksHere && kind !== "forget") ? [network.text] : [];
  });
}
