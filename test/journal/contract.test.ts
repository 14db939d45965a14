import { afterAll, beforeAll, describe } from "bun:test";
import { overviewContract } from "../contracts/journal-overview.ts";
import { roomContract } from "../contracts/journal-room.ts";
import { journalContract } from "../contracts/journal.ts";
import { fleetJournal, sqliteJournal } from "../support/journals.ts";
import { postgres, postgresObstacle } from "../support/postgres.ts";
import type { Postgres } from "../support/postgres.ts";

const contracts = [journalContract, overviewContract, roomContract];

for (const contract of contracts) contract("a journal on SQLite", sqliteJournal);

describe.skipIf(postgresObstacle !== null)("on PostgreSQL", () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await postgres();
  }, 60_000);
  afterAll(() => server[Symbol.asyncDispose](), 60_000);
  for (const contract of contracts)
    contract("a fleet's journal", async () => fleetJournal(await server.database()));
});
