import { Database } from "bun:sqlite";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readAddress } from "../core/address.ts";
import type { Grace } from "../core/journal.ts";
import type { Fail2banBan, Fail2banState } from "../core/recover.ts";

/** fail2ban gives up its own write after 5 s, and loses the row: we must be away long before. */
const busyTimeoutMs = 500;

interface BanRow {
  readonly jail: string;
  readonly ip: string;
  readonly timeofban: number;
  readonly bantime: number;
  readonly enabled: number | null;
}

/**
 * What fail2ban bans, from its own database: one short read-only query. Null when the database is there and cannot be
 * read now; where there is none, nothing is banned. Source: fail2ban's database.py, tables `bips` and `jails`.
 */
export function readState(path: string): Fail2banState | null {
  if (!existsSync(path)) return emptyState;
  try {
    using db = new Database(path, { readonly: true });
    db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    const jails = db.query<{ name: string }, []>("SELECT name FROM jails").all();
    const bans = db
      .query<BanRow, []>(
        "SELECT b.jail, b.ip, b.timeofban, b.bantime, j.enabled FROM bips b LEFT JOIN jails j ON j.name = b.jail",
      )
      .all()
      .map((row) => ({ jail: row.jail, ip: row.ip, untilAt: endOf(row), running: row.enabled === 1 }));
    return { jails: new Set(jails.map(({ name }) => name)), bans };
  } catch {
    return null;
  }
}

/** Where fail2ban keeps no database. */
export const emptyState: Fail2banState = { jails: new Set(), bans: [] };

/** Looks an address of a jail up among the bans. */
export function bannedUntil(bans: readonly Fail2banBan[]): Grace["stillBannedUntil"] {
  const ends = new Map(
    bans.map(({ jail, ip, untilAt }) => [`${jail}\n${readAddress(ip)?.text ?? ip}`, untilAt]),
  );
  return (jail, address) => ends.get(`${jail}\n${address}`) ?? null;
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

/** Milliseconds since 1970; Infinity for a ban without end. */
function endOf({ timeofban, bantime }: BanRow): number {
  return bantime < 0 ? Number.POSITIVE_INFINITY : (timeofban + bantime) * 1_000;
}
