import type { Crowd } from "./journal.ts";
import type { EdgeRow } from "./ports.ts";

/** A network, and the profile that holds it or has blocked it. */
export interface ProfileNetwork {
  readonly profile: string;
  readonly network: string;
}

/** What is known of a pool of places when it is decided who gets its room. */
export interface Occupancy extends Pick<Crowd, "places" | "room"> {
  /** Newest first. */
  readonly held: readonly ProfileNetwork[];
  /** What is in the pool. Somebody else's is there as well, and takes none of our room. */
  readonly there: readonly (ProfileNetwork & Pick<EdgeRow, "place" | "owned">)[];
}

/** A network that is to stay out of where a profile blocks; `waiting`: only until others have left. */
export interface Outside extends ProfileNetwork {
  readonly waiting: boolean;
}

/**
 * What is to stay out of the pool: for want of room, which only the newest items find, or until others have left. An
 * item that is there counts until it is gone, so that what is let in can always be added. One that no profile here
 * wants or would remove has its room for good.
 */
export function leftOut({ held, there, places, room }: Occupancy): readonly Outside[] {
  const lists = listsOf(places);
  const itemOf = (profile: string, network: string): string => `${lists.get(profile) ?? ""} ${network}`;
  const items = new Map<string, ProfileNetwork[]>();
  for (const one of held) items.getOrInsertComputed(itemOf(one.profile, one.network), () => []).push(one);
  const present = new Set<string>();
  let [fitting, free] = [room, room];
  for (const { place, network, profile, owned } of there) {
    // What nobody at its place holds is on its way to where its profile blocks now.
    const user = [...(places.get(place) ?? []), profile].find((one) => items.has(itemOf(one, network)));
    if (user !== undefined) present.add(itemOf(user, network));
    if (!owned) continue;
    free -= 1;
    if (user === undefined && !lists.has(profile)) fitting -= 1;
  }
  const outside: Outside[] = [];
  for (const [index, [item, holds]] of [...items].entries()) {
    const fits = index < fitting;
    if (fits && present.has(item)) continue;
    if (fits && free > 0) free -= 1;
    else outside.push(...holds.map((one) => ({ ...one, waiting: fits })));
  }
  return outside;
}

/** How many networks find no room. */
export function countOut(outside: readonly Outside[]): number {
  return new Set(outside.filter(({ waiting }) => !waiting).map(({ network }) => network)).size;
}

/** Who blocks in a pool. */
export function profilesIn({ places }: Pick<Crowd, "places">): readonly string[] {
  return [...new Set([...places.values()].flatMap((profiles) => [...profiles]))];
}

/** By profile, what tells its list from others. Who shares a place shares the item of a network, whatever its mode. */
function listsOf(places: Crowd["places"]): ReadonlyMap<string, string> {
  const lists = new Map<string, string>();
  for (const [place, profiles] of places) for (const profile of profiles) lists.getOrInsert(profile, place);
  return lists;
}
