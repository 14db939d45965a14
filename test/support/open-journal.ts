/** Opens the journal of the path that it is given, and records a hold of the jail that it is given, as a hook does. */
import { parseAddress } from "../../src/core/address.ts";
import { openSqlite } from "../../src/journal/sqlite.ts";

const [path = "", jail = ""] = process.argv.slice(2);
using journal = openSqlite(path);
const address = parseAddress("203.0.113.7");
const hold = {
  profile: "",
  jail,
  host: "web1",
  address,
  networks: [address],
  mode: "block",
  untilAt: null,
} as const;
await journal.hold(hold, Date.now());
