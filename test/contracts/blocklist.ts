import { describe, expect, test } from "bun:test";
import { parseAddress } from "../../src/core/address.ts";
import { modes } from "../../src/core/hold.ts";
import type { Mode } from "../../src/core/hold.ts";
import { plan } from "../../src/core/plan.ts";
import type { Blocklist, EdgeRow } from "../../src/core/ports.ts";
import { firstOf } from "../support/backends.ts";
import type { Backend, Standing } from "../support/backends.ts";
import { add, made, mark, outcomes, remove } from "../support/changes.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";

/** What the core may rely on, whatever blocks at the edge. */
export function blocklistContract(backend: Backend): void {
  const { open, standing, plant } = backend;
  const first = (edge: FakeCloudflare): Blocklist => firstOf(backend, edge);
  const ours = (network: string, mode: Mode = "block"): Standing => ({ network, mode, mark });

  describe(`a blocklist of ${backend.name}`, () => {
    test.each([
      ["203.0.113.7", "203.0.113.7"],
      ["2001:0DB8:0::0007", "2001:db8::7"],
      ["203.0.113.77/24", "203.0.113.0/24"],
      ["198.51.7.7/16", "198.51.0.0/16"],
      ["2001:db8:1:2::5/64", "2001:db8:1:2::/64"],
    ])("adds %s with the mark of its jail and host", async (network, blocked) => {
      await using edge = fakeCloudflare();
      const [settled] = await made(first(edge), [add(network)]);
      expect(settled).toMatchObject({
        outcome: "added",
        row: { network: blocked, mode: "block", owned: true },
      });
      expect(standing(edge)).toEqual([ours(blocked)]);
      expect(edge.violations).toEqual([]);
    });

    test("takes every length of network that it is said to take", async () => {
      await using edge = fakeCloudflare();
      const networks = [
        ...backend.reach.inet4.map((prefix) => `198.51.100.7/${prefix}`),
        ...backend.reach.inet6.map((prefix) => `2001:db8:1:2:3:4:5:6/${prefix}`),
      ];
      const settled = await made(
        first(edge),
        networks.map((network) => add(network)),
      );
      expect(new Set(outcomes(settled))).toEqual(new Set(["added"]));
      const wanted = networks.map((network) => parseAddress(network).text);
      expect(
        standing(edge)
          .map(({ network }) => network)
          .toSorted(),
      ).toEqual(wanted.toSorted());
      expect(edge.violations).toEqual([]);
    });

    test("adds many at once, each once", async () => {
      await using edge = fakeCloudflare();
      const networks = Array.from({ length: 100 }, (_, last) => `203.0.113.${last}`);
      const settled = await made(
        first(edge),
        networks.map((network) => add(network)),
      );
      expect(settled).toHaveLength(100);
      expect(
        standing(edge)
          .map(({ network }) => network)
          .toSorted(),
      ).toEqual(networks.toSorted());
    });

    test("finds what it has added present, and changes nothing", async () => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      await made(place, [add("203.0.113.7"), add("2001:db8::7")]);
      const before = standing(edge);
      const again = await made(place, [add("203.0.113.7"), add("2001:db8::7")]);
      expect(outcomes(again)).toEqual(["present", "present"]);
      expect(again).toMatchObject([{ row: { owned: true } }, { row: { owned: true } }]);
      expect(standing(edge)).toEqual(before);
    });

    test.each([
      ["a human's", "bad neighbour"],
      ["another host's", "Fail2Ban sshd host:web2"],
      ["the stock action's", "Fail2Ban sshd"],
    ])("leaves %s alone: to add is to find it present, to remove finds nothing", async (_, theirs) => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      const foreign = { network: "203.0.113.7", mode: "block", mark: theirs };
      plant(edge, foreign);
      const [settled] = await made(place, [add("203.0.113.7")]);
      expect(settled).toMatchObject({ outcome: "present", row: { owned: false } });
      expect(outcomes(await made(place, [remove("203.0.113.7")]))).toEqual(["absent"]);
      expect(standing(edge)).toEqual([foreign]);
    });

    test("adds what a wider or a longer one stands beside", async () => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      for (const network of ["203.0.113.0/24", "203.0.113.70", "2001:db8::70"])
        plant(edge, { network, mode: "block", mark: "theirs" });
      expect(outcomes(await made(place, [add("203.0.113.7"), add("2001:db8::7")]))).toEqual([
        "added",
        "added",
      ]);
      expect(outcomes(await made(place, [remove("203.0.113.7"), remove("2001:db8::7")]))).toEqual([
        "removed",
        "removed",
      ]);
      expect(standing(edge)).toHaveLength(3);
    });

    test("removes by the id that it lists, and finds its own without one", async () => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      await made(place, [add("203.0.113.7"), add("203.0.113.8"), add("203.0.113.9")]);
      const [entry] = await Array.fromAsync(place.entries({ foreign: false }));
      const gone = [remove(entry?.network ?? "", entry?.id ?? null), remove("203.0.113.9")];
      expect(outcomes(await made(place, gone))).toEqual(["removed", "removed"]);
      expect(standing(edge)).toEqual([ours("203.0.113.8")]);
    });

    test("takes it for done when what is to be removed is gone", async () => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      edge.lists.removalNeedsEveryId = true;
      await made(place, [add("203.0.113.7"), add("203.0.113.8")]);
      const entries = await Array.fromAsync(place.entries({ foreign: false }));
      backend.remove(edge, "203.0.113.7");
      const settled = await made(
        place,
        entries.map(({ network, id }) => remove(network, id)),
      );
      expect(settled.map((one) => [one.change.network.text, ...outcomes([one])]).toSorted()).toEqual([
        ["203.0.113.7", "absent"],
        ["203.0.113.8", "removed"],
      ]);
      expect(outcomes(await made(place, [remove("203.0.113.9")]))).toEqual(["absent"]);
      expect(standing(edge)).toEqual([]);
    });

    test("lists its own of this host, and with foreign ones all, in canonical form", async () => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      plant(edge, { network: "203.0.113.9", mode: "block", mark: "theirs" });
      plant(edge, { network: "203.0.113.10", mode: "block", mark: "Fail2Ban sshd host:web2" });
      await made(place, [add("203.0.113.7"), add("2001:db8::7")]);
      const shown = async (foreign: boolean) => {
        const entries = await Array.fromAsync(place.entries({ foreign }));
        return entries
          .map(({ network, mode, owned, jail }) => [network, mode, owned, jail])
          .toSorted(([a], [b]) => String(a).localeCompare(String(b)));
      };
      const six = ["2001:db8::7", "block", true, "sshd"];
      const four = ["203.0.113.7", "block", true, "sshd"];
      expect(await shown(false)).toEqual([six, four]);
      expect(await shown(true)).toEqual([
        six,
        ["203.0.113.10", "block", false, null],
        four,
        ["203.0.113.9", "block", false, null],
      ]);
    });

    test("lists more than a page, each once, with its id", async () => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      const networks = Array.from({ length: 520 }, (_, index) => `203.0.${index >> 8}.${index & 255}`);
      for (const network of networks) plant(edge, { network, mode: "block", mark });
      const entries = await Array.fromAsync(place.entries({ foreign: false }));
      expect(new Set(entries.map(({ network }) => network))).toEqual(new Set(networks));
      expect(new Set(entries.map(({ id }) => id)).size).toBe(520);
    });

    test("has every mode, and moves a network from any to any by the steps that are planned", async () => {
      await using edge = fakeCloudflare();
      const places = open(edge);
      const network = parseAddress("203.0.113.7");
      const rows = new Map<string, EdgeRow>();
      for (const mode of [...modes, ...modes.toReversed(), "block"] as const) {
        const wants = [{ profile: "", jail: "sshd", mode, outside: false }];
        const pending = { generation: 1, profile: "", network, attempts: 0, sinceAt: 0 };
        for (const additions of [true, false]) {
          for (const place of places) {
            const site = { place: place.place, mode: place.mode, profiles: new Set([""]) };
            const step = plan({ pending, wants, rows: [...rows.values()] }, site);
            if (step === null || step.kind === "forget" || additions === (step.kind === "remove")) continue;
            const [settled] = await made(place, [step]);
            if (settled === undefined || !("outcome" in settled)) throw new Error("It failed");
            rows.delete(place.place);
            if (settled.row !== null) rows.set(place.place, { ...settled.row, place: place.place });
          }
          expect(standing(edge).map((one) => one.mode)).toContain(mode);
        }
        expect(standing(edge)).toEqual([ours("203.0.113.7", mode)]);
      }
    });
  });
}
