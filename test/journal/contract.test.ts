import { overviewContract } from "../contracts/journal-overview.ts";
import { roomContract } from "../contracts/journal-room.ts";
import { journalContract } from "../contracts/journal.ts";
import { fleetJournal, sqliteJournal } from "../support/journals.ts";
import { describePostgres } from "../support/postgres-tests.ts";

const contracts = [journalContract, overviewContract, roomContract];

for (const contract of contracts) contract("a journal on SQLite", sqliteJournal);

describePostgres("on PostgreSQL", (server) => {
  for (const contract of contracts)
    contract("a fleet's journal", async () => fleetJournal(await server().database()));
});
