import type { Database } from "bun:sqlite";
import { parseAddress } from "../core/address.ts";
import type { DeliveryLedger, MoveLedger } from "../core/journal.ts";
import { immediate } from "./immediate.ts";
import { markPending } from "./pending.ts";
import type { Sync } from "./sync.ts";

interface HeldRow {
  readonly jail: string;
  readonly host: string;
  readonly address: string;
  readonly network: string;
}

const key = "profile = $profile AND jail = $jail AND host = $host AND address = $address";

/** What the journal does when the configuration has moved a profile to other places. */
export function moveLedger(db: Database): Sync<MoveLedger & Pick<DeliveryLedger, "abandon">> {
  const mark = markPending(db);
  return {
    recast(profile, coverOf, now) {
      const insert = db.query(
        `INSERT OR IGNORE INTO holds
           (profile, network, jail, host, address, family, mode, held_at, until_at, release_at, graced)
         SELECT profile, $to, jail, host, address, family, mode, held_at, until_at, release_at, graced
         FROM holds WHERE ${key} AND network = $network`,
      );
      const remove = db.query(`DELETE FROM holds WHERE ${key} AND network = $network`);
      immediate(db, () => {
        const held = db
          .query<HeldRow, [string]>("SELECT jail, host, address, network FROM holds WHERE profile = ?")
          .all(profile);
        for (const row of held) {
          const cover = coverOf(parseAddress(row.address), parseAddress(row.network));
          if (cover === null) continue;
          for (const { text } of cover) {
            insert.run({ profile, ...row, to: text });
            mark(profile, text, true, now);
          }
          if (cover.every(({ text }) => text !== row.network)) remove.run({ profile, ...row });
        }
      });
    },
    abandon(profile, places, now) {
      return immediate(db, () => {
        const busy = db
          .query<{ busy: number }, [string]>(
            "SELECT EXISTS (SELECT 1 FROM pending WHERE profile = ? AND parked = 0) AS busy",
          )
          .get(profile);
        if (busy?.busy === 1) return 0;
        const left = db
          .query<{ network: string }, { profile: string; places: string }>(
            `SELECT DISTINCT network FROM edge
             WHERE profile = $profile AND place IN (SELECT value FROM json_each($places))
               AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.network = edge.network)
               AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.profile = edge.profile AND p.network = edge.network)`,
          )
          .all({ profile, places: JSON.stringify(places) });
        for (const { network } of left) mark(profile, network, false, now);
        return left.length;
      });
    },
  };
}
