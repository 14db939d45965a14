import type { Database } from "bun:sqlite";
import { parseAddress } from "../core/address.ts";
import { isMode } from "../core/hold.ts";
import type { Mode } from "../core/hold.ts";
import type { DeliveryLedger, Standing, Want, Wanted } from "../core/journal.ts";
import type { EdgeRow } from "../core/ports.ts";
import { astrayQuery } from "./astray.ts";
import { immediate } from "./immediate.ts";
import { markPending } from "./pending.ts";
import { queueLedger } from "./queue.ts";
import { sweepHolds } from "./sweep.ts";
import type { Sync } from "./sync.ts";

/** No try is put off for longer; a later moment means that the clock was set back, and the try is due. */
export const furthestRetryMs = 900_000;

export interface PendingRow {
  readonly generation: number;
  readonly profile: string;
  readonly network: string;
  readonly attempts: number;
  readonly since_at: number;
}

export interface StoredEdge {
  readonly place: string;
  readonly network: string;
  readonly id: string | null;
  readonly mode: string | null;
  readonly owned: number;
}

interface StoredWant extends Omit<Want, "outside"> {
  readonly outside: number;
}

interface StoredWanted extends Omit<Wanted, "outside"> {
  readonly outside: number;
}

const edgeColumns = "place, network, id, mode, owned";

/** The courier's side of the journal. */
export function deliveryLedger(db: Database): Sync<Omit<DeliveryLedger, "abandon">> {
  const mark = markPending(db);
  const waits =
    "EXISTS (SELECT 1 FROM outside o WHERE o.profile = pending.profile AND o.network = pending.network AND o.waiting = 1)";
  const due = `(retry_at <= $now OR retry_at > $now + ${furthestRetryMs})`;
  const standingOf = (network: string): Standing => {
    const wants = db.query<StoredWant, [string]>(
      `SELECT profile, jail, mode, EXISTS (SELECT 1 FROM outside o
         WHERE o.profile = holds.profile AND o.network = holds.network) AS outside
       FROM holds WHERE network = ? ORDER BY held_at`,
    );
    const rows = db.query<StoredEdge, [string]>(`SELECT ${edgeColumns} FROM edge WHERE network = ?`);
    return {
      wants: wants.all(network).map((want) => ({ ...want, outside: want.outside === 1 })),
      rows: rows.all(network).map(edgeRow),
    };
  };
  return {
    due(profile, now, limit) {
      // Two queries: one order would have all of them sorted for each round.
      const rows = (which: string, order: string, most: number): readonly PendingRow[] =>
        db
          .query<PendingRow, { profile: string; now: number; most: number }>(
            `SELECT generation, profile, network, attempts, since_at FROM pending
             WHERE profile = $profile AND parked = 0 AND ${which} AND ${due} AND NOT ${waits} ORDER BY ${order} LIMIT $most`,
          )
          .all({ profile, now, most });
      return db.transaction(() => {
        const untried = rows("attempts = 0", "ban DESC, generation", limit);
        const tried = rows("attempts > 0", "attempts, ban DESC, generation", limit - untried.length);
        return [...untried, ...tried].map(({ generation, network, attempts, since_at }) => ({
          pending: { generation, profile, network: parseAddress(network), attempts, sinceAt: since_at },
          ...standingOf(network),
        }));
      })();
    },
    standing: (networks) => db.transaction(() => networks.map(standingOf))(),
    begin(place, profile, networks) {
      const doubt = db.query(
        `INSERT INTO edge (place, network, profile, id, mode, owned) VALUES (?, ?, ?, NULL, NULL, 1)
         ON CONFLICT DO UPDATE SET id = NULL, mode = NULL, owned = 1`,
      );
      immediate(db, () => {
        for (const network of networks) doubt.run(place, network, profile);
      });
    },
    record(place, profile, known) {
      const remove = db.query("DELETE FROM edge WHERE place = ? AND network = ?");
      const put = db.query(
        "INSERT OR REPLACE INTO edge (place, network, profile, id, mode, owned) VALUES (?, ?, ?, ?, ?, ?)",
      );
      immediate(db, () => {
        for (const { network, row } of known) {
          if (row === null) remove.run(place, network);
          else put.run(place, network, profile, row.id, row.mode, row.owned ? 1 : 0);
        }
      });
    },
    ...queueLedger(db),
    placesOf(profile) {
      return db
        .query<{ place: string }, [string]>("SELECT DISTINCT place FROM edge WHERE profile = ?")
        .all(profile)
        .map(({ place }) => place);
    },
    placesBeside(profiles) {
      return db
        .query<{ profile: string; place: string }, [string]>(
          "SELECT DISTINCT profile, place FROM edge WHERE profile NOT IN (SELECT value FROM json_each(?))",
        )
        .all(JSON.stringify(profiles));
    },
    wanted() {
      return db
        .query<StoredWanted, []>(
          `SELECT profile, jail, host, mode, address, network, EXISTS (SELECT 1 FROM outside o
             WHERE o.profile = holds.profile AND o.network = holds.network) AS outside
           FROM holds ORDER BY held_at`,
        )
        .all()
        .map((want) => ({ ...want, outside: want.outside === 1 }));
    },
    astray(profile, { place, mode, profiles }) {
      const query = astrayQuery({
        profile: "$profile",
        place: "$place",
        mode: "$mode",
        isOneOfThere: "IN (SELECT value FROM json_each($profiles))",
      });
      return db
        .query<{ network: string }, Record<string, string | null>>(query)
        .all({ profile, place, mode, profiles: JSON.stringify([...profiles]) })
        .map(({ network }) => network);
    },
    known(place) {
      return db
        .query<StoredEdge, [string]>(`SELECT ${edgeColumns} FROM edge WHERE place = ?`)
        .all(place)
        .map(edgeRow);
    },
    nextTryAt(profile, now) {
      const row = db
        .query<{ at: number | null }, { profile: string; now: number }>(
          `SELECT min(CASE WHEN ${due} THEN 0 ELSE retry_at END) AS at FROM pending
           WHERE profile = $profile AND parked = 0 AND NOT ${waits}`,
        )
        .get({ profile, now });
      return row?.at ?? null;
    },
    nextEndAt(slackMs) {
      const row = db
        .query<{ at: number | null }, [number]>(
          `SELECT min(at) AS at FROM (
             SELECT min(release_at) AS at FROM holds WHERE release_at IS NOT NULL
             UNION ALL SELECT min(until_at) + ? FROM holds WHERE until_at IS NOT NULL)`,
        )
        .get(slackMs);
      return row?.at ?? null;
    },
    hasten(latestAt) {
      db.query("UPDATE holds SET release_at = $latestAt WHERE release_at > $latestAt").run({ latestAt });
    },
    sweep: (now, grace) => sweepHolds(db, mark, now, grace),
    forgetPlace(place, profile) {
      db.query("DELETE FROM edge WHERE place = ? AND profile = ?").run(place, profile);
    },
    forgetAll() {
      immediate(db, () => {
        for (const table of ["holds", "pending", "edge", "outside", "jails"]) db.run(`DELETE FROM ${table}`);
      });
    },
  };
}

export function edgeRow({ place, network, id, mode, owned }: StoredEdge): EdgeRow {
  return { place, network, id, mode: knownMode(mode), owned: owned === 1 };
}

function knownMode(mode: string | null): Mode | "whitelist" | null {
  if (mode === "whitelist") return mode;
  return mode !== null && isMode(mode) ? mode : null;
}
