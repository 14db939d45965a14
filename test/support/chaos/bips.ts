import { Database } from "bun:sqlite";

/** fail2ban's own database, as far as a courier reads it. */
export interface Bips extends Disposable {
  readonly path: string;
  put(ban: { readonly jail: string; readonly ip: string; readonly lastsS: number | null }): void;
  remove(jail: string, ip: string): void;
  enable(jail: string, enabled: boolean): void;
}

export function bips(path: string): Bips {
  const db = new Database(path, { create: true });
  db.run("PRAGMA busy_timeout = 5000");
  db.run("PRAGMA journal_mode = MEMORY");
  db.run("PRAGMA synchronous = OFF");
  db.run("CREATE TABLE jails (name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1)");
  db.run(
    "CREATE TABLE bips (ip TEXT, jail TEXT, timeofban INTEGER, bantime INTEGER, bancount INTEGER, data JSON, PRIMARY KEY (ip, jail))",
  );
  return {
    path,
    put({ jail, ip, lastsS }) {
      db.query("INSERT OR REPLACE INTO bips VALUES (?, ?, ?, ?, 1, '{}')").run(
        ip,
        jail,
        Math.floor(Date.now() / 1_000),
        lastsS ?? -1,
      );
    },
    remove(jail, ip) {
      db.query("DELETE FROM bips WHERE jail = ? AND ip = ?").run(jail, ip);
    },
    enable(jail, enabled) {
      db.query("INSERT OR REPLACE INTO jails VALUES (?, ?)").run(jail, enabled ? 1 : 0);
    },
    [Symbol.dispose]: () => db.close(),
  };
}
