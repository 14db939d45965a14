import { Database } from "bun:sqlite";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readAddress } from "../core/address.ts";
import type { Grace } from "../core/ports.ts";

/** fail2ban gives up its own write after 5 s, and loses the row: we must be away long before. */
const busyTimeoutMs = 500;

interface BanRow {
  readonly jail: string;
  readonly ip: string;
  readonly timeofban: number;
  readonly bantime: number;
}

/**
 * What fail2ban bans, from its own database: one short read-only query. Null when the database is there and cannot be
 * read now; where there is none, nothing is banned. Source: fail2ban's database.py, table `bips`.
 */
export function readBans(path: string): Grace["stillBannedUntil"] | null {
  if (!existsSync(path)) return () => null;
  try {
    using db = new Database(path, { readonly: true });
    db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    const rows = db.query<BanRow, []>("SELECT jail, ip, timeofban, bantime FROM bips").all();
    const ends = new Map(rows.map((row) => [`${row.jail}\n${canonical(row.ip)}`, endOf(row)]));
    return (jail, address) => ends.get(`${jail}\n${address}`) ?? null;
  } catch {
    return null;
  }
}

/** Where fail2ban keeps its database, by its own configuration; null: it keeps none. */
export function databasePath(fail2ban: string): string | null {
  const files = [
    "fail2ban.conf",
    ...listed(join(fail2ban, "fail2ban.d"), ".conf"),
    "fail2ban.local",
    ...listed(join(fail2ban, "fail2ban.d"), ".local"),
  ];
  let path = "/var/lib/fail2ban/fail2ban.sqlite3";
  for (const file of files) {
    const full = join(fail2ban, file);
    const text = existsSync(full) ? readFileSync(full, "utf8") : "";
    path = /^dbfile\s*[=:]\s*(\S+)\s*$/m.exec(text)?.[1] ?? path;
  }
  return path.startsWith("/") ? path : null;
}

function listed(directory: string, ending: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join("fail2ban.d", name));
}

function canonical(ip: string): string {
  return readAddress(ip)?.text ?? ip;
}

/** Milliseconds since 1970; Infinity for a ban without end. */
function endOf({ timeofban, bantime }: BanRow): number {
  return bantime < 0 ? Number.POSITIVE_INFINITY : (timeofban + bantime) * 1_000;
}
