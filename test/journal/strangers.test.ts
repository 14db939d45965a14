import { expect } from "bun:test";
import { chmodSync, readdirSync } from "node:fs";
import { takeCourierLock } from "../../src/journal/lock.ts";
import { suspect } from "../../src/journal/rescue.ts";
import { openSqlite } from "../../src/journal/sqlite.ts";
import { needing } from "../support/needing.ts";
import { runProgram } from "../support/program.ts";
import { tempRoot } from "../support/temp-root.ts";

const rootTest = needing(process.getuid?.() === 0 ? null : "needs root");

/** Runs a program as a user who owns nothing here. */
const asNobody = (...argv: readonly string[]) =>
  runProgram(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", ...argv]);

rootTest(
  "in a directory that everybody may enter, nobody else reads the journal or keeps the courier from its lock",
  async () => {
    using root = tempRoot();
    chmodSync(root.path, 0o755);
    const path = root.at("journal.db");
    using journal = openSqlite(path);
    expect(await journal.holds(null)).toEqual([]);
    suspect(path);
    takeCourierLock(path)?.[Symbol.dispose]();
    const names = readdirSync(root.path).toSorted();
    expect(names).toEqual(["", "-shm", "-wal", ".courier", ".suspect"].map((end) => `journal.db${end}`));
    for (const name of names) {
      expect([name, (await asNobody("cat", root.at(name))).code]).toEqual([name, 1]);
      const lock = `import fcntl; fcntl.lockf(open("${root.at(name)}", "rb"), fcntl.LOCK_SH)`;
      expect([name, (await asNobody("python3", "-c", lock)).stderr]).toEqual([
        name,
        expect.stringContaining("PermissionError"),
      ]);
    }
  },
);
