import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";

/** Everything that a journal says, to compare; without what only the courier's upkeep changes. */
export function dumpOf(path: string): string {
  if (!existsSync(path)) return "no journal";
  using db = new Database(path, { readonly: true });
  db.run("PRAGMA busy_timeout = 5000");
  const tables = ["holds", "pending", "edge", "jails", "pauses"];
  return JSON.stringify(tables.map((table) => db.query(`SELECT * FROM ${table}`).all()));
}

/** How many networks are still to be delivered. */
export function pendingIn(path: string): number {
  using db = new Database(path, { readonly: true });
  db.run("PRAGMA busy_timeout = 5000");
  return db.query<{ count: number }, []>("SELECT count(*) AS count FROM pending").get()?.count ?? 0;
}
