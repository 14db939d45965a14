import type { Config } from "../config.ts";
import { openSpool } from "../journal/spool.ts";
import { openSqlite } from "../journal/sqlite.ts";
import type { SqliteJournal } from "../journal/sqlite.ts";

/** What this host holds: all that a hook touches, and the whole journal where the host stands alone. */
export function openOwn({ journal, fleet }: Config): SqliteJournal {
  return fleet === null ? openSqlite(journal) : openSpool(journal);
}
