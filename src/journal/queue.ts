import type { Database } from "bun:sqlite";
import type { DeliveryLedger } from "../core/journal.ts";
import { immediate } from "./immediate.ts";
import { markPending } from "./pending.ts";
import type { Sync } from "./sync.ts";

type OfQueue = "settle" | "retry" | "postpone" | "park" | "hurry" | "recheck";

/** How what is pending comes to be so, waits, and is done. */
export function queueLedger(db: Database): Sync<Pick<DeliveryLedger, OfQueue>> {
  const mark = markPending(db);
  return {
    settle(generations) {
      const remove = db.query("DELETE FROM pending WHERE generation = ?");
      immediate(db, () => {
        for (const generation of generations) remove.run(generation);
      });
    },
    retry(generations, retryAt, reason) {
      const update = db.query(
        "UPDATE pending SET attempts = attempts + 1, retry_at = ?, reason = ? WHERE generation = ?",
      );
      immediate(db, () => {
        for (const generation of generations) update.run(retryAt, reason, generation);
      });
    },
    postpone(generations, retryAt, reason) {
      const update = db.query("UPDATE pending SET retry_at = ?, reason = ? WHERE generation = ?");
      immediate(db, () => {
        for (const generation of generations) update.run(retryAt, reason, generation);
      });
    },
    park(generation, reason) {
      db.query("UPDATE pending SET parked = 1, reason = ? WHERE generation = ?").run(reason, generation);
    },
    hurry(profile) {
      db.query("UPDATE pending SET retry_at = 0 WHERE profile = ? AND retry_at > 0").run(profile);
    },
    recheck(profile, networks, now) {
      immediate(db, () => {
        const all =
          networks === "all"
            ? db
                .query<{ network: string }, [string, string]>(
                  "SELECT network FROM holds WHERE profile = ? UNION SELECT network FROM pending WHERE profile = ?",
                )
                .all(profile, profile)
                .map(({ network }) => network)
            : networks;
        const held = db.query<{ held: number }, [string, string]>(
          "SELECT EXISTS (SELECT 1 FROM holds WHERE network = ? AND profile = ?) AS held",
        );
        for (const network of all) mark(profile, network, held.get(network, profile)?.held === 1, now);
      });
    },
  };
}
