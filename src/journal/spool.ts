import type { Database } from "bun:sqlite";
import type { Changed, History, JoinedHold, OwnJournal } from "../core/fleet.ts";
import { guarded, openDatabase, seal } from "./file.ts";
import { tellRenewals } from "./renewals.ts";
import { journalIn } from "./sqlite.ts";
import type { SqliteJournal } from "./sqlite.ts";

export interface Spool extends OwnJournal, SqliteJournal {}

const columns = `profile, network, jail, address, mode, held_at AS heldAt, until_at AS untilAt, release_at AS releaseAt`;

/** Opens the journal of a host in a fleet, as `openSqlite` does. */
export function openSpool(path: string): Spool {
  return guarded(path, () => {
    const db = openDatabase(path, (opened) => {
      seal(path);
      tellRenewals(opened);
    });
    return {
      ...journalIn(path, db),
      changed: (host, limit) => guarded(path, () => changed(db, host, limit)),
      held: (host) =>
        guarded(path, () =>
          db.query<JoinedHold, [string]>(`SELECT ${columns} FROM holds WHERE host = ?`).all(host),
        ),
      history: (host) => guarded(path, () => history(db, host)),
    };
  });
}

function changed(db: Database, host: string, limit: number): readonly Changed[] {
  const holds = db.query<JoinedHold, [string, string, string]>(
    `SELECT ${columns} FROM holds WHERE network = ? AND profile = ? AND host = ?`,
  );
  return db.transaction(() =>
    db
      .query<{ generation: number; profile: string; network: string; ban: number }, [number]>(
        "SELECT generation, profile, network, ban FROM pending ORDER BY ban DESC, generation LIMIT ?",
      )
      .all(limit)
      .map(({ generation, profile, network, ban }) => ({
        generation,
        profile,
        network,
        ban: ban === 1,
        holds: holds.all(network, profile, host),
      })),
  )();
}

function history(db: Database, host: string): History {
  return {
    jails: db
      .query<History["jails"][number], [string]>("SELECT profile, jail, bans FROM jails WHERE host = ?")
      .all(host),
    hours: db.query<History["hours"][number], []>("SELECT jail, start_at AS startAt, bans FROM bans").all(),
  };
}
