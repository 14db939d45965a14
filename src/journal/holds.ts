import type { Database } from "bun:sqlite";
import type { HoldLedger } from "../core/journal.ts";
import { banCounter } from "./history.ts";
import { immediate } from "./immediate.ts";
import { pauseOf, placesOfProfile } from "./pauses.ts";
import type { PauseRow } from "./pauses.ts";
import { markPending } from "./pending.ts";
import type { Sync } from "./sync.ts";

interface HeldRow {
  readonly network: string;
  readonly mode: string;
}

/** The hooks' side of the journal. */
export function holdLedger(db: Database): Sync<HoldLedger> {
  const mark = markPending(db);
  const count = banCounter(db);
  const key = "jail = $jail AND host = $host AND profile = $profile";
  const sql = {
    held: () =>
      db.query<HeldRow, Bindings>(`SELECT network, mode FROM holds WHERE ${key} AND address = $address`),
    renew: () =>
      db.query(
        `UPDATE holds SET until_at = $untilAt, release_at = NULL, graced = 0 WHERE ${key} AND address = $address`,
      ),
    insert: () =>
      db.query(
        `INSERT INTO holds (profile, network, jail, host, address, family, mode, held_at, until_at)
         VALUES ($profile, $network, $jail, $host, $address, $family, $mode, $now, $untilAt)`,
      ),
    release: () =>
      db.query<HeldRow, Bindings>(
        `DELETE FROM holds WHERE ${key} AND address = $address RETURNING network, mode`,
      ),
    know: () =>
      db.query(
        `INSERT INTO jails (jail, host, profile, mode) VALUES ($jail, $host, $profile, $mode)
         ON CONFLICT DO UPDATE SET mode = excluded.mode WHERE mode <> excluded.mode`,
      ),
    flush: () =>
      db.query(
        `UPDATE holds SET release_at = $releaseAt, graced = 0 WHERE ${key} AND family = $family AND release_at IS NULL`,
      ),
    defer: () =>
      db.query(
        `UPDATE holds SET release_at = $releaseAt, graced = 1 WHERE ${key} AND release_at < $releaseAt`,
      ),
    rejection: () =>
      db.query<PauseRow, Bindings>(
        `SELECT kind, reason, since_at, until_at, failures FROM pauses
         WHERE ${placesOfProfile} AND kind = 'rejected' ORDER BY since_at LIMIT 1`,
      ),
    shout: () =>
      db.query(
        `UPDATE jails SET shouted_at = $now WHERE ${key} AND (shouted_at <= $now - $everyMs OR shouted_at > $now)`,
      ),
  };
  return {
    hold({ profile, jail, host, address, networks, mode, untilAt }, now) {
      const holder = { profile, jail, host };
      immediate(db, () => {
        sql.know().run({ ...holder, mode });
        const held = sql.held().all({ ...holder, address: address.text });
        const wanted = new Set(networks.map(({ text }) => text));
        if (
          held.length === wanted.size &&
          held.every((row) => row.mode === mode && wanted.has(row.network))
        ) {
          sql.renew().run({ ...holder, address: address.text, untilAt });
          return;
        }
        if (held.length > 0) sql.release().run({ ...holder, address: address.text });
        for (const { network } of held) mark(profile, network, false, now);
        for (const network of wanted) {
          sql.insert().run({
            ...holder,
            network,
            address: address.text,
            family: address.family,
            mode,
            now,
            untilAt,
          });
          mark(profile, network, true, now);
        }
        if (held.length === 0) count(holder, now);
      });
    },
    release({ profile, jail, host }, address, now) {
      return immediate(db, () => {
        const gone = sql.release().all({ profile, jail, host, address: address.text });
        for (const { network } of gone) mark(profile, network, false, now);
        return gone.map(({ network }) => network);
      });
    },
    flush({ profile, jail, host }, family, releaseAt) {
      sql.flush().run({ profile, jail, host, family, releaseAt });
    },
    defer({ profile, jail, host }, releaseAt) {
      sql.defer().run({ profile, jail, host, releaseAt });
    },
    shout({ profile, jail, host }, now, everyMs) {
      const row = sql.rejection().get({ profile });
      if (row === null) return null;
      const { changes } = sql.shout().run({ profile, jail, host, now, everyMs });
      return changes > 0 ? pauseOf(row) : null;
    },
  };
}

type Bindings = Record<string, string | number | null>;
