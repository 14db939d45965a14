import { expect } from "bun:test";
import { parseAddress } from "../../src/core/address.ts";
import type { Journal } from "../../src/core/journal.ts";
import { promising } from "../support/journals.ts";
import type { TestedJournal } from "../support/journals.ts";

const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 1, 12);
const asked = { profile: "", credential: "a", label: "zone example.com", place: "zone:1" } as const;

function ban(journal: Journal, ip: string, now: number, jail = "sshd"): Promise<void> {
  const address = parseAddress(ip);
  const hold = { profile: "", jail, host: "web1", address, networks: [address], mode: "block" } as const;
  return journal.hold({ ...hold, untilAt: null }, now);
}

/** What every journal promises of the figures that people and monitoring are shown. */
export function overviewContract(kind: string, open: () => Promise<TestedJournal>): void {
  const promise = promising(kind, open);
  promise(
    "a ban is counted once: a renewal, or what a restart of fail2ban restores, is no new one",
    async (journal) => {
      for (const now of [start, start + 1, start + 2]) await ban(journal, "203.0.113.7", now);
      await journal.release(
        { profile: "", jail: "sshd", host: "web1" },
        parseAddress("203.0.113.7"),
        start + 3,
      );
      await ban(journal, "203.0.113.7", start + 4);
      expect((await journal.bansByHour(start + 5)).at(-1)).toBe(2);
      expect(await journal.jailViews(start + 5)).toEqual([
        { jail: "sshd", held: 1, pending: 1, parked: 0, bansOfDay: 2, bansEver: 2 },
      ]);
    },
  );

  promise("bans are counted by the hour for a day, and in all for ever", async (journal) => {
    for (const hours of [0, 1, 1, 23, 24]) {
      await ban(journal, `203.0.113.${hours}`, start + hours * hourMs);
      await ban(journal, `198.51.100.${hours}`, start + hours * hourMs, "nginx");
    }
    const now = start + 24 * hourMs + 1;
    // One of the two bans of the first hour was a renewal.
    expect(await journal.bansByHour(now)).toEqual([2, ...Array<number>(21).fill(0), 2, 2]);
    expect(
      (await journal.jailViews(now)).map(({ jail, bansOfDay, bansEver }) => [jail, bansOfDay, bansEver]),
    ).toEqual([
      ["nginx", 3, 4],
      ["sshd", 3, 4],
    ]);
    expect(await journal.bansByHour(now + 30 * hourMs)).toEqual(Array<number>(24).fill(0));
  });

  promise("hours of a clock that was far wrong are not kept", async (journal) => {
    await ban(journal, "203.0.113.1", start + 1_000 * hourMs);
    await ban(journal, "203.0.113.2", start);
    await ban(journal, "203.0.113.3", start + 1_000 * hourMs);
    expect((await journal.bansByHour(start + 1_000 * hourMs)).at(-1)).toBe(1);
  });

  promise("jails are counted by address: one that waits for several networks waits once", async (journal) => {
    const networks = ["203.0.113.0", "203.0.113.1"].map(parseAddress);
    const wide = {
      profile: "",
      jail: "sshd",
      host: "web1",
      address: parseAddress("203.0.113.0/31"),
      networks,
    } as const;
    await journal.hold({ ...wide, mode: "block", untilAt: null }, start);
    await ban(journal, "203.0.113.9", start);
    const [refused] = await journal.due("", start, 10);
    await journal.park(refused?.pending.generation ?? 0, "refused");
    expect(await journal.jailViews(start)).toMatchObject([{ held: 2, pending: 1, parked: 1 }]);
    expect([...(await journal.pendingOf())]).toEqual([["", 2]]);
  });

  promise(
    "a place keeps its last success and its last error, whichever came first, until its profile changes",
    async (journal) => {
      await journal.failed({ ...asked, place: null }, "not found", start);
      expect(await journal.scopeViews()).toMatchObject([
        { ours: null, succeededAt: null, reason: "not found" },
      ]);
      await journal.succeeded(asked, start + 1);
      await journal.failed({ ...asked, label: "zone example.net", place: "zone:2" }, "status 502", start + 2);
      await journal.record("zone:1", "", [
        { network: "203.0.113.1", row: { id: "1", mode: "block", owned: true } },
        { network: "203.0.113.2", row: { id: "2", mode: "block", owned: true } },
        { network: "203.0.113.3", row: { id: "3", mode: "whitelist", owned: false } },
      ]);
      await journal.begin("zone:1", "", ["203.0.113.4"]);
      const base = { profile: "", credential: "a" } as const;
      expect(await journal.scopeViews()).toEqual([
        {
          ...base,
          label: "zone example.com",
          ours: 2,
          foreign: 1,
          succeededAt: start + 1,
          failedAt: start,
          reason: "not found",
        },
        {
          ...base,
          label: "zone example.net",
          ours: 0,
          foreign: 0,
          succeededAt: null,
          failedAt: start + 2,
          reason: "status 502",
        },
      ]);
      await journal.forgetResults("");
      expect(await journal.scopeViews()).toEqual([]);
    },
  );
}
