import { expect, test } from "bun:test";
import { parseAddress } from "../../src/core/address.ts";
import { openSqlite } from "../../src/journal/sqlite.ts";
import { tempRoot } from "../support/temp-root.ts";

const place = "zone:a";

test("of a hold that is recast only new networks are pending, and the old one once they are done", async () => {
  using root = tempRoot();
  using journal = openSqlite(root.at("journal.db"));
  const address = parseAddress("198.51.100.8/31");
  const holder = { profile: "", jail: "sshd", host: "web1" };
  await journal.hold({ ...holder, address, networks: [address], mode: "block", untilAt: null }, 5);
  const settle = async (): Promise<string[]> => {
    const due = await journal.due("", 1_000, 100);
    await journal.settle(due.map(({ pending }) => pending.generation));
    return due.map(({ pending }) => pending.network.text);
  };
  await settle();
  await journal.record(place, "", [{ network: address.text, row: { id: "x", mode: "block", owned: true } }]);
  const two = ["198.51.100.8", "198.51.100.9"].map(parseAddress);
  await journal.recast("", (of, network) => (of.text === network.text ? two : null), 100);
  expect(await journal.abandon("", [place], 110)).toBe(0);
  expect(await settle()).toEqual(["198.51.100.8", "198.51.100.9"]);
  expect(await journal.abandon("", [place], 112)).toBe(1);
  expect(await settle()).toEqual(["198.51.100.8/31"]);
});
