import { Failure } from "../errors.ts";
import { openAt, openPlaces } from "./deliver.ts";
import type { Delivery } from "./deliver.ts";
import type { Blocklist, DeliveryLedger, EdgeRow, Entry, Known } from "./ports.ts";

/** What a place has of ours against what the journal knows of it. */
export interface Difference {
  /** The journal is to learn these. */
  readonly known: readonly Known[];
  /** Known to be ours, and gone. */
  readonly missing: readonly string[];
  /** Ours, and not known. */
  readonly found: readonly Entry[];
  /** Changed by somebody, or never confirmed. */
  readonly changed: readonly string[];
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
    return row !== undefined && (row.id !== entry.id || row.mode !== entry.mode || row.owned !== entry.owned);
  });
  return {
    known: [
      ...missing.map((network) => ({ network, row: null })),
      ...[...found, ...changed].map((entry) => ({ network: entry.network, row: entry })),
    ],
    missing,
    found,
    changed: changed.map(({ network }) => network),
  };
}

export interface SyncedPlace extends Difference {
  readonly place: string;
  readonly label: string;
  /** What stands there: all of ours, and of others' what the journal knows. */
  readonly entries: readonly Entry[];
}

/** Compares every place of a profile that can be used now; null: Cloudflare is to be left alone. */
export async function compareProfile(delivery: Delivery): Promise<readonly SyncedPlace[] | null> {
  return eachPlace(delivery, async (place) => compare(delivery.journal, place));
}

/** Has the journal agree with every place of a profile; what then differs from what is held is pending. */
export async function syncProfile(delivery: Delivery): Promise<readonly SyncedPlace[] | null> {
  const { journal, profile, now, log } = delivery;
  return eachPlace(delivery, async (place) => {
    const result = await compare(journal, place);
    await journal.record(place.place, profile.name, result.known);
    const networks = result.known.map(({ network }) => network);
    await journal.recheck(profile.name, networks, now());
    if (networks.length > 0) {
      const { missing, found, changed } = result;
      const counts = `${missing.length} gone, ${found.length} unknown, ${changed.length} changed`;
      log("warn", "", `Synced ${place.label}: ${counts}`);
    }
    return result;
  });
}

async function compare(
  journal: DeliveryLedger,
  { place, label, entries: list }: Blocklist,
): Promise<SyncedPlace> {
  const rows = await journal.known(place);
  const foreign = rows.some(({ owned }) => !owned);
  const entries = await Array.fromAsync(list({ foreign }));
  return { ...difference(rows, entries), place, label, entries };
}

async function eachPlace(
  delivery: Delivery,
  work: (place: Blocklist) => Promise<SyncedPlace>,
): Promise<readonly SyncedPlace[] | null> {
  if ((await openAt(delivery)) > delivery.now()) return null;
  const opened = await openPlaces(delivery);
  if (opened === null) return null;
  const synced: SyncedPlace[] = [];
  for (const place of [...opened.places, ...opened.former]) {
    try {
      synced.push(await work(place));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      delivery.log("warn", "", `Cannot compare ${place.label}: ${error.summary}`);
    }
  }
  return synced;
}
