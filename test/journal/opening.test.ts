import { expect, test } from "bun:test";
import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { openSqlite } from "../../src/journal/sqlite.ts";
import { runProgram } from "../support/program.ts";
import { tempRoot } from "../support/temp-root.ts";

const script = join(import.meta.dir, "../support/open-journal.ts");

test("processes that make the journal at once all get theirs into it", async () => {
  using root = tempRoot();
  // Two at a time: it is in pairs that they meet in the switch to WAL, one time in two.
  for (let round = 0; round < 20; round += 1) {
    const path = root.at(`${round}/journal.db`);
    const ends = await Promise.all(
      ["sshd", "nginx"].map((jail) => runProgram([process.execPath, script, path, jail])),
    );
    expect(ends.map(({ stderr }) => stderr)).toEqual(["", ""]);
    using journal = openSqlite(path);
    expect((await journal.holds(null)).map(({ jail }) => jail).toSorted()).toEqual(["nginx", "sshd"]);
  }
}, 60_000);

test("a journal that came back from elsewhere is nobody else's to read once it was opened", () => {
  using root = tempRoot();
  const path = root.at("journal.db");
  using first = openSqlite(path);
  expect(first.changes()).toBeNumber();
  chmodSync(path, 0o644);
  using again = openSqlite(path);
  expect(again.changes()).toBeNumber();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
