import { expect, test } from "bun:test";
import { parseAddress } from "../../src/core/address.ts";
import { anythingDue } from "../../src/core/courier.ts";
import type { Courier } from "../../src/core/courier.ts";
import { openSqlite } from "../../src/journal/sqlite.ts";
import { tempRoot } from "../support/temp-root.ts";

const now = 1_800_000_000_000;
const holder = { profile: "", jail: "sshd", host: "web1" };

test.each([
  ["in ten seconds", 10_000, true],
  ["in a grace of two minutes", 120_000, true],
  ["in an hour", 3_600_000, false],
])(
  "a courier that lets go of its lock comes back for a flush whose bans go %s: %#",
  async (_, afterMs, comes) => {
    using root = tempRoot();
    using journal = openSqlite(root.at("journal.db"));
    const address = parseAddress("203.0.113.7");
    await journal.hold({ ...holder, address, networks: [address], mode: "block", untilAt: null }, now);
    await journal.flush(holder, "inet4", now + afterMs);
    const courier: Courier = {
      journal,
      deliveries: [],
      restartMs: 120_000,
      fail2banState: () => null,
      compareHolds: async () => ({ missing: [], moved: [], over: [] }),
      stillBanned: () => () => null,
      recover: async () => {},
      rebuild: async () => {},
      refreshRanges: async () => {},
      beforeLook: () => {},
      outdated: () => false,
      now: () => now,
      sleep: async () => {},
    };
    expect(await anythingDue(courier)).toBe(comes);
  },
);
