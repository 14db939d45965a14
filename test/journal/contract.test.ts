import { afterAll, beforeAll, describe } from "bun:test";
import { journalContract } from "../contracts/journal.ts";
import { fleetJournal, sqliteJournal } from "../support/journals.ts";
import { postgres, postgresObstacle } from "../support/postgres.ts";
import type { Postgres } from "../support/postgres.ts";

journalContract("a journal on SQLite", sqliteJournal);

describe.skipIf(postgresObstacle !== null)("on PostgreSQL", () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await postgres();
  }, 60_000);
  afterAll(() => server[Symbol.asyncDispose](), 60_000);
  journalContract("a fleet's journal", async () => fleetJournal(await server.database()));
});
