import { Failure } from "../errors.ts";
import { astray } from "./astray.ts";
import { tryRoom } from "./crowd.ts";
import { abandonPlaces } from "./deliver.ts";
import type { Delivery } from "./deliver.ts";
import type { DeliveryLedger, Known } from "./journal.ts";
import type { Blocklist, EdgeRow, Entry } from "./ports.ts";
import { askedAt, openAt, openPlaces, poolOf } from "./trouble.ts";
import type { Opened } from "./trouble.ts";

/** What a place has of ours against what the journal knows of it. */
export interface Difference {
  /** Networks that are there or are known to be. */
  readonly total: number;
  /** The journal is to learn these. */
  readonly known: readonly Known[];
  /** Known to be ours, and gone. */
  readonly missing: readonly string[];
  /** Ours, and not known. */
  readonly found: readonly Entry[];
  /** Changed by somebody, or never confirmed. */
  readonly changed: readonly string[];
  /** There as it is known, by an id that nobody had asked for yet. */
  readonly learned: readonly string[];
}

type Row = Omit<EdgeRow, "place">;

/** Compares; pure. Rows of somebody else count as missing when their rule is gone. */
export function difference(rows: readonly Row[], entries: readonly Entry[]): Difference {
  const before = new Map(rows.map((row) => [row.network, row]));
  const after = new Map(entries.map((entry) => [entry.network, entry]));
  const missing = rows.filter(({ network }) => !after.has(network)).map(({ network }) => network);
  const found = entries.filter(({ network, owned }) => owned && !before.has(network));
  const changed = entries.filter((entry) => {
    const row = before.get(entry.network);
    return row !== undefined && differs(row, entry);
  });
  const learned = entries.filter((entry) => {
    const row = before.get(entry.network);
    return row !== undefined && row.id === null && !differs(row, entry);
  });
  return {
    total: before.size + found.length,
    known: [
      ...missing.map((network) => ({ network, row: null })),
      ...[...found, ...changed, ...learned].map((entry) => ({ network: entry.network, row: entry })),
    ],
    missing,
    found,
    changed: changed.map(({ network }) => network),
    learned: learned.map(({ network }) => network),
  };
}

function differs(row: Row, entry: Row): boolean {
  const sameId = row.id === entry.id || (row.id === null && row.mode !== null);
  return !sameId || row.mode !== entry.mode || row.owned !== entry.owned;
}

export interface SyncedPlace extends Difference {
  readonly place: string;
  readonly mode: Blocklist["mode"];
  readonly label: string;
  /** What stands there: all of ours, and of others' what the journal knows. */
  readonly entries: readonly Entry[];
  /** Why what is there may not be blocked all the same. */
  readonly troubles: readonly string[];
}

type Compared = Difference & Pick<SyncedPlace, "entries">;

/** Compares every place of a profile that can be used now; null: Cloudflare is to be left alone. */
export async function compareProfile(delivery: Delivery): Promise<readonly SyncedPlace[] | null> {
  const opened = await openNow(delivery);
  if (opened === null) return null;
  return eachPlace(delivery, opened, (place) => compare(delivery.journal, place));
}

/** Who wants to know how a comparison goes. */
export interface SyncListener {
  /** What a place has of ours that the journal does not know, before it learns of it. */
  found(entries: readonly Entry[]): Promise<void>;
  /** A place of the profile could not be compared. */
  failed(): void;
}

/** Has the journal agree with every place of a profile; what then differs from what is held is pending. */
export async function syncProfile(
  delivery: Delivery,
  listener?: SyncListener,
): Promise<readonly SyncedPlace[] | null> {
  const { journal, profile, now, log } = delivery;
  const opened = await openNow(delivery);
  if (opened === null) return null;
  const learn = async (place: Blocklist): Promise<Compared> => {
    const result = await compare(journal, place);
    await listener?.found(result.found);
    const { missing, found, changed } = result;
    const networks = [...missing, ...found.map(({ network }) => network), ...changed];
    // Before the journal knows: killed in between, the next comparison finds them again.
    await journal.recheck(profile.name, networks, now());
    await journal.record(place.place, profile.name, result.known);
    // What another profile has learned or left here is a difference of nobody's.
    await journal.recheck(profile.name, await astray(delivery, place, opened.places.includes(place)), now());
    if (networks.length > 0) {
      const counts = `${missing.length} gone, ${found.length} unknown, ${changed.length} changed`;
      log("warn", "", `Synced ${place.label}: ${counts}`);
    }
    return result;
  };
  const synced = await eachPlace(delivery, opened, learn, listener);
  for (const trouble of synced.flatMap(({ troubles }) => troubles)) log("warn", "", trouble);
  await tryRoom(delivery, poolOf(opened));
  await abandonPlaces(delivery, opened);
  return synced;
}

async function compare(journal: DeliveryLedger, { place, entries: list }: Blocklist): Promise<Compared> {
  const rows = await journal.known(place);
  const foreign = rows.some(({ owned }) => !owned);
  const entries = await Array.fromAsync(list({ foreign }));
  return { ...difference(rows, entries), entries };
}

async function openNow(delivery: Delivery): Promise<Opened | null> {
  return (await openAt(delivery)) > delivery.now() ? null : openPlaces(delivery);
}

async function eachPlace(
  delivery: Delivery,
  opened: Opened,
  work: (place: Blocklist) => Promise<Compared>,
  listener?: SyncListener,
): Promise<readonly SyncedPlace[]> {
  const { journal, now, log } = delivery;
  if (opened.missingUntilAt !== null || opened.pausedUntilAt.size > 0) listener?.failed();
  const synced: SyncedPlace[] = [];
  for (const place of [...opened.places, ...opened.former]) {
    if (opened.pausedUntilAt.has(place)) continue;
    try {
      const result = await work(place);
      // A list of a mode that no jail uses is not spoken of.
      const idle = place.mode !== null && result.total === 0 && place !== opened.places[0];
      const troubles = result.total === 0 ? [] : await place.check();
      if (!idle)
        synced.push({ ...result, place: place.place, mode: place.mode, label: place.label, troubles });
      await journal.succeeded(askedAt(delivery, place), now());
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      listener?.failed();
      await journal.failed(askedAt(delivery, place), error.message, now());
      log("warn", "", `Cannot compare ${place.label}: ${error.summary}`);
    }
  }
  return synced;
}
