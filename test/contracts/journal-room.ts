import { expect } from "bun:test";
import { parseAddress } from "../../src/core/address.ts";
import type { Journal } from "../../src/core/journal.ts";
import { promising } from "../support/journals.ts";
import type { TestedJournal } from "../support/journals.ts";

const pool = "list:a";
const place = `${pool}:fail2ban`;

async function hold(journal: Journal, address: string, at: number, profile = ""): Promise<void> {
  const parsed = parseAddress(address);
  const holder = { profile, jail: "sshd", host: "web1" };
  await journal.hold({ ...holder, address: parsed, networks: [parsed], mode: "block", untilAt: null }, at);
}

/** Has the edge agree with what is due, as a delivery would. */
async function deliver(journal: Journal, profile = "", at = place): Promise<string[]> {
  const due = await journal.due(profile, 1_000, 100);
  for (const { pending, wants } of due) {
    const wanted = wants.some((want) => want.profile === profile && !want.outside);
    const row = wanted ? ({ id: null, mode: "block", owned: true } as const) : null;
    await journal.record(at, profile, [{ network: pending.network.text, row }]);
  }
  await journal.settle(due.map(({ pending }) => pending.generation));
  return due.map(({ pending }) => pending.network.text);
}

const crowd = (room: number, profiles: readonly string[] = [""]) => ({
  pool,
  places: new Map([[place, new Set(profiles)]]),
  room,
});
const there = async (journal: Journal, at = place) =>
  (await journal.known(at)).map(({ network }) => network).toSorted();

/** What every journal promises of places with little room, and of a configuration that has changed. */
export function roomContract(kind: string, open: () => Promise<TestedJournal>): void {
  const promise = promising(kind, open);
  promise(
    "the newest are let in, an older one leaves before a newer comes, and it comes back when there is room",
    async (journal) => {
      for (const [index, address] of ["192.0.2.1", "192.0.2.2", "192.0.2.3"].entries())
        await hold(journal, address, index);
      expect(await journal.makeRoom(crowd(2), 10)).toBe(1);
      await deliver(journal);
      expect(await there(journal)).toEqual(["192.0.2.2", "192.0.2.3"]);
      expect(await journal.occupied(pool)).toBe(2);

      await hold(journal, "192.0.2.4", 20);
      expect(await journal.makeRoom(crowd(2), 20)).toBe(2);
      // The new one is pending, and not due: there is no room for it yet.
      expect(await journal.progress("", "192.0.2.4")).toMatchObject({ parked: false });
      expect(await deliver(journal)).toEqual(["192.0.2.2"]);
      expect(await journal.nextTryAt("", 20)).toBeNull();
      expect(await journal.makeRoom(crowd(2), 21)).toBe(2);
      expect(await deliver(journal)).toEqual(["192.0.2.4"]);
      expect(await journal.summary(21)).toMatchObject({ outside: 2, atEdge: 2, pending: 0 });
      expect(await journal.astray("", { place, mode: null, profiles: new Set([""]) })).toEqual([]);
      const states = (await journal.holds(null)).map(({ address, state }) => [address, state]);
      expect(Object.fromEntries(states)).toEqual({
        "192.0.2.1": "outside",
        "192.0.2.2": "outside",
        "192.0.2.3": "blocked",
        "192.0.2.4": "blocked",
      });

      await journal.release({ profile: "", jail: "sshd", host: "web1" }, parseAddress("192.0.2.4"), 30);
      await journal.makeRoom(crowd(2), 30);
      await deliver(journal);
      expect(await journal.makeRoom(crowd(2), 31)).toBe(1);
      await deliver(journal);
      expect(await there(journal)).toEqual(["192.0.2.2", "192.0.2.3"]);
    },
  );

  promise(
    "a renewed hold keeps its age, and one that is let go of while it is out leaves nothing behind",
    async (journal) => {
      for (const [index, address] of ["192.0.2.1", "192.0.2.2"].entries())
        await hold(journal, address, index);
      await hold(journal, "192.0.2.1", 50);
      await journal.makeRoom(crowd(1), 51);
      await deliver(journal);
      expect(await there(journal)).toEqual(["192.0.2.2"]);
      await journal.release({ profile: "", jail: "sshd", host: "web1" }, parseAddress("192.0.2.1"), 60);
      expect(await journal.makeRoom(crowd(1), 61)).toBe(0);
      await deliver(journal);
      expect(await journal.summary(62)).toMatchObject({ outside: 0, pending: 0, atEdge: 1 });
    },
  );

  promise("two profiles share a room, and the newer wish of either counts", async (journal) => {
    await hold(journal, "192.0.2.1", 1, "a");
    await hold(journal, "192.0.2.2", 2, "b");
    await hold(journal, "192.0.2.1", 3, "b");
    expect(await journal.makeRoom(crowd(1, ["a", "b"]), 10)).toBe(1);
    const outside = async (profile: string) =>
      (await journal.due(profile, 1_000, 100)).flatMap(({ pending, wants }) =>
        wants.filter((want) => want.outside).map((want) => `${want.profile} ${pending.network.text}`),
      );
    expect([await outside("a"), await outside("b")]).toEqual([[], ["b 192.0.2.2"]]);
  });

  promise(
    "an address that two profiles have at places of their own is two items, and older ones make way",
    async (journal) => {
      const other = `${pool}:clients`;
      const places = new Map([
        [place, new Set(["a"])],
        [other, new Set(["b"])],
      ]);
      const makeRoom = (at: number) => journal.makeRoom({ pool, places, room: 4 }, at);
      const deliverBoth = async () => [await deliver(journal, "a"), await deliver(journal, "b", other)];
      for (const [index, address] of ["192.0.2.1", "192.0.2.2"].entries())
        for (const profile of ["a", "b"]) await hold(journal, address, index, profile);
      expect(await makeRoom(10)).toBe(0);
      await deliverBoth();
      expect(await journal.occupied(pool)).toBe(4);

      await hold(journal, "192.0.2.3", 20, "a");
      expect(await makeRoom(20)).toBe(1);
      expect(await deliverBoth()).toEqual([[], ["192.0.2.1"]]);
      expect(await makeRoom(21)).toBe(1);
      expect(await deliverBoth()).toEqual([["192.0.2.3"], []]);
      expect(await there(journal)).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
      expect(await there(journal, other)).toEqual(["192.0.2.2"]);
      expect(await makeRoom(22)).toBe(1);
      expect(await journal.summary(22)).toMatchObject({ outside: 1, pending: 0 });
    },
  );

  promise("what a profile that is gone has left in a pool takes room there", async (journal) => {
    for (const [index, address] of ["192.0.2.1", "192.0.2.2"].entries()) await hold(journal, address, index);
    await hold(journal, "192.0.2.2", 3, "gone");
    await journal.makeRoom(crowd(3), 10);
    await deliver(journal);
    await deliver(journal, "gone", `${pool}:clients`);

    await hold(journal, "192.0.2.3", 20);
    expect(await journal.makeRoom(crowd(3), 20)).toBe(1);
    expect(await deliver(journal)).toEqual(["192.0.2.1"]);
    expect(await journal.makeRoom(crowd(3), 21)).toBe(1);
    expect(await deliver(journal)).toEqual(["192.0.2.3"]);
    expect(await there(journal)).toEqual(["192.0.2.2", "192.0.2.3"]);
  });

  promise(
    "a profile that has left a pool has nothing outside any more, and all of it is pending",
    async (journal) => {
      for (const [index, address] of ["192.0.2.1", "192.0.2.2"].entries())
        await hold(journal, address, index);
      await journal.makeRoom(crowd(1), 10);
      await deliver(journal);
      const places = new Map([["", new Set([""])]]);
      expect(await journal.makeRoom({ pool: "", places, room: Infinity }, 11)).toBe(0);
      expect(await journal.summary(12)).toMatchObject({ outside: 0, pending: 1 });
    },
  );

  promise(
    "somebody else's item takes none of our room, and a place of another pool is not counted",
    async (journal) => {
      await hold(journal, "192.0.2.1", 1);
      await journal.record(place, "", [
        { network: "192.0.2.9", row: { id: "x", mode: "block", owned: false } },
      ]);
      await journal.record("list:ab:fail2ban", "", [
        { network: "192.0.2.8", row: { id: "y", mode: "block", owned: true } },
      ]);
      expect(await journal.occupied(pool)).toBe(0);
      expect(await journal.makeRoom(crowd(1), 10)).toBe(0);
      expect(await deliver(journal)).toEqual(["192.0.2.1"]);
    },
  );

  promise(
    "other networks stand for a hold as long and since as before, and are due first",
    async (journal) => {
      const address = parseAddress("198.51.100.8/31");
      const holder = { profile: "", jail: "sshd", host: "web1" };
      await journal.hold({ ...holder, address, networks: [address], mode: "challenge", untilAt: 90_000 }, 5);
      await deliver(journal);
      const two = ["198.51.100.8", "198.51.100.9"].map(parseAddress);
      await journal.recast("", (of, network) => (of.text === network.text ? two : null), 100);
      expect(await journal.holds(null)).toMatchObject([
        { address: "198.51.100.8/31", mode: "challenge", sinceAt: 5, untilAt: 90_000 },
      ]);
      const due = (await journal.due("", 1_000, 100)).map(({ pending }) => pending.network.text);
      expect(due.slice(0, 2)).toEqual(["198.51.100.8", "198.51.100.9"]);
      expect((await journal.release(holder, address, 120)).toSorted()).toEqual(two.map(({ text }) => text));
    },
  );

  promise("a place is abandoned once all else is done, but for what is held or pending", async (journal) => {
    await hold(journal, "192.0.2.1", 1);
    await deliver(journal);
    await journal.record(place, "", [{ network: "192.0.2.9", row: { id: "x", mode: "block", owned: true } }]);
    await hold(journal, "192.0.2.2", 1);
    expect(await journal.abandon("", [place], 110)).toBe(0);
    const due = await journal.due("", 1_000, 100);
    await journal.settle(due.map(({ pending }) => pending.generation));
    expect(await journal.abandon("", ["list:a:other"], 111)).toBe(0);
    expect(await journal.abandon("", [place], 112)).toBe(1);
    expect((await journal.due("", 1_000, 100)).map(({ pending }) => pending.network.text)).toEqual([
      "192.0.2.9",
    ]);
    expect(await journal.abandon("", [place], 113)).toBe(0);
  });
}
