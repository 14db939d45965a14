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
  readonly label: string;
}

/** Syncs every place of a profile that can be used now; null: Cloudflare is to be left alone. */
export async function syncProfile(delivery: Delivery): Promise<readonly SyncedPlace[] | null> {
  const { journal, profile, now, log } = delivery;
  if ((await openAt(delivery)) > now()) return null;
  const opened = await openPlaces(delivery);
  if (opened === null) return null;
  const synced: SyncedPlace[] = [];
  for (const place of [...opened.places, ...opened.former]) {
    try {
      const result = await syncPlace(journal, place, { profile: profile.name, now: now() });
      const { missing, found, changed } = result;
      if (result.known.length > 0) {
        log(
          "warn",
          "",
          `Synced ${place.label}: ${missing.length} gone, ${found.length} unknown, ${changed.length} changed`,
        );
      }
      synced.push({ ...result, label: place.label });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      log("warn", "", `Cannot sync ${place.label}: ${error.summary}`);
    }
  }
  return synced;
}

/** Reads a place and has the journal agree with it; what then differs from what is held is pending. */
export async function syncPlace(
  journal: DeliveryLedger,
  place: Blocklist,
  { profile, now }: { readonly profile: string; readonly now: number },
): Promise<Difference> {
  const rows = await journal.known(place.place);
  const foreign = rows.some(({ owned }) => !owned);
  const entries = await Array.fromAsync(place.entries({ foreign }));
  const result = difference(rows, entries);
  await journal.record(place.place, profile, result.known);
  await journal.recheck(
    profile,
    result.known.map(({ network }) => network),
    now,
  );
  return result;
}
