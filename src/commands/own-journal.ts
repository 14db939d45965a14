import type { Config } from "../config.ts";
import { openSqlite } from "../journal/sqlite.ts";
import type { SqliteJournal } from "../journal/sqlite.ts";

/** What this host holds: all that a hook touches, and the whole journal where the host stands alone. */
export async function openOwn({ journal, fleet }: Config): Promise<SqliteJournal> {
  if (fleet === null) return openSqlite(journal);
  const { openSpool } = await import("../journal/spool.ts");
  return openSpool(journal);
}
