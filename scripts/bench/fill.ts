import { Database } from "bun:sqlite";
import { openSqlite } from "../../src/journal/sqlite.ts";

/** A network for each number, in canonical text. */
const network = "printf('2001:db8:1::%x:%x', i / 60000 + 1, i % 60000 + 1)";
const numbers =
  "WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < $count)";

/** Makes a journal with so many holds, all of them delivered to `place`, or all of them pending where there is none. */
export function fillJournal(path: string, count: number, place: string | null = "zone:unknown"): void {
  openSqlite(path)[Symbol.dispose]();
  using db = new Database(path, { readwrite: true, strict: true });
  db.transaction(() => {
    db.query(
      `INSERT INTO holds (profile, network, jail, host, address, family, mode, held_at)
       ${numbers} SELECT '', ${network}, 'sshd', 'web1', ${network}, 'inet6', 'block', 1000 + i FROM numbers`,
    ).run({ count });
    if (place === null) {
      db.query(
        `INSERT INTO pending (profile, network, ban, since_at) ${numbers} SELECT '', ${network}, 1, 1000 + i FROM numbers`,
      ).run({ count });
    } else {
      db.query(
        `INSERT INTO edge (place, network, profile, id, mode, owned)
         ${numbers} SELECT $place, ${network}, '', printf('%032x', i), 'block', 1 FROM numbers`,
      ).run({ count, place });
    }
  })();
}
