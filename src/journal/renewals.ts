import type { Database } from "bun:sqlite";

/** Has renewals be pending too: the edge does not care when a hold ends, but the fleet is to know it. */
export function tellRenewals(db: Database): void {
  db.run(`
    CREATE TEMP TRIGGER renewed AFTER UPDATE OF until_at, release_at ON main.holds
    WHEN old.until_at IS NOT new.until_at OR old.release_at IS NOT new.release_at
    BEGIN
      INSERT OR REPLACE INTO pending (profile, network, ban, since_at)
      VALUES (new.profile, new.network, 1, CAST(unixepoch('subsec') * 1000 AS INTEGER));
    END`);
}
