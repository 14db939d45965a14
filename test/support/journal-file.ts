import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";

/** Opens a database that others write to; who reads it waits for them. */
export function openReadOnly(path: string): Database {
  const db = new Database(path, { readonly: true });
  db.run("PRAGMA busy_timeout = 5000");
  return db;
}

/** Everything that a journal says, to compare; without what only the courier's upkeep changes. */
export function dumpOf(path: string): string {
  if (!existsSync(path)) return "no journal";
  using db = openReadOnly(path);
  const tables = ["holds", "pending", "edge", "jails", "pauses"];
  return JSON.stringify(tables.map((table) => db.query(`SELECT * FROM ${table}`).all()));
}

/** How many networks are still to be delivered. */
export function pendingIn(path: string): number {
  using db = openReadOnly(path);
  return db.query<{ count: number }, []>("SELECT count(*) AS count FROM pending").get()?.count ?? 0;
}
