import { knownRanges, rememberRanges } from "./ranges.ts";
import { parseAddress } from "./address.ts";
import type { Changed, FleetJournal, JoinedHold, OwnJournal } from "./fleet.ts";

/** Networks joined in one transaction: few enough that other hosts do not wait long. */
const joinedAtOnce = 500;

/** A host and its fleet, while they are in touch. */
export interface Member {
  readonly host: string;
  readonly own: OwnJournal;
  readonly fleet: FleetJournal;
  /** The host's clock. */
  now(): number;
}

/** Has the fleet hold what the host does, as far as it may not know; returns how many networks were told. */
export async function joinHolds({ host, own, fleet }: Member): Promise<number> {
  let told = 0;
  while (own.changed(host, 1).length > 0) {
    const done = await fleet.join(host, () =>
      own.changed(host, joinedAtOnce).map((one) => shifted(one, fleet.aheadMs())),
    );
    await own.settle(done.map(({ generation }) => generation));
    told += done.length;
  }
  return told;
}

/** A host's moments by the database's clock. */
function shifted(changed: Changed, byMs: number): Changed {
  const shift = (at: number | null): number | null => (at === null ? null : at + byMs);
  const holds = changed.holds.map((hold) => ({
    ...hold,
    heldAt: hold.heldAt + byMs,
    untilAt: shift(hold.untilAt),
    releaseAt: shift(hold.releaseAt),
  }));
  return { ...changed, holds };
}

/** Finds where the fleet holds something else for the host than the host itself, so that it is joined anew. */
export async function compareWithFleet({ host, own, fleet, now }: Member): Promise<void> {
  const [theirs, ours] = [(await fleet.heldFor(host)).map(textOf), own.held(host).map(textOf)];
  const differing = [...new Set(theirs).symmetricDifference(new Set(ours))].map((text): readonly string[] =>
    JSON.parse(text),
  );
  for (const profile of new Set(differing.map(([name = ""]) => name))) {
    const networks = differing.filter(([name]) => name === profile).map(([, network = ""]) => network);
    await own.recheck(profile, [...new Set(networks)], now());
  }
}

/**
 * Takes back into a new journal of the host what the fleet holds for it, but for the jails that fail2ban knows: what is
 * banned there is recovered from its own database.
 */
export async function restoreHolds(
  { host, own, fleet, now }: Member,
  fail2banJails: ReadonlySet<string>,
): Promise<void> {
  const holds = Map.groupBy(await fleet.heldFor(host), ({ profile, jail, address }) =>
    JSON.stringify([profile, jail, address]),
  );
  for (const [first, ...others] of holds.values()) {
    if (first === undefined) continue;
    const { profile, jail, mode, untilAt } = first;
    await own.know({ profile, jail, host }, mode);
    if (fail2banJails.has(jail)) continue;
    const networks = [first, ...others].map(({ network }) => parseAddress(network));
    const end = untilAt === null ? null : untilAt - fleet.aheadMs();
    await own.hold(
      { profile, jail, host, address: parseAddress(first.address), networks, mode, untilAt: end },
      now(),
    );
  }
}

/** Has the host's hooks know what the fleet's courier does: what Cloudflare rejects, and what its own ranges are. */
export async function learnFromFleet({ own, fleet, now }: Member): Promise<void> {
  const [told, known] = [await knownRanges(fleet), await knownRanges(own)];
  if (told.some((range) => !known.includes(range))) await rememberRanges(own, told);
  const theirs = new Map((await fleet.rejections()).map(({ subject, ...pause }) => [subject, pause]));
  const ours = new Map((await own.summary(now())).pauses.map(({ subject, ...pause }) => [subject, pause]));
  for (const subject of ours.keys()) if (!theirs.has(subject)) await own.setPause(subject, null);
  for (const [subject, pause] of theirs) {
    if (ours.get(subject)?.reason !== pause.reason) await own.setPause(subject, pause);
  }
}

function textOf({ profile, network, jail, address, mode }: JoinedHold): string {
  return JSON.stringify([profile, network, jail, address, mode]);
}
