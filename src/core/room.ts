/** What is known of a pool of places when it is decided who gets its room. */
export interface Occupancy {
  /** The networks that are held, newest first. */
  readonly held: readonly string[];
  /** How many items each network of ours has there; also those that nobody holds any more. */
  readonly there: ReadonlyMap<string, number>;
  /** Items that fit. */
  readonly room: number;
}

/**
 * The held networks that are to stay out of the pool: "out" for those that find no room, as only the newest do, and
 * "waiting" for those that do as soon as others have left. An item that is there counts until it is gone, so that what
 * is let in can always be added.
 */
export function leftOut({ held, there, room }: Occupancy): ReadonlyMap<string, "out" | "waiting"> {
  const outside = new Map<string, "out" | "waiting">();
  let free = room - [...there.values()].reduce((sum, items) => sum + items, 0);
  for (const [index, network] of held.entries()) {
    if (index >= room) outside.set(network, "out");
    else if (there.has(network)) continue;
    else if (free > 0) free -= 1;
    else outside.set(network, "waiting");
  }
  return outside;
}
