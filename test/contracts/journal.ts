import { expect, test } from "bun:test";
import { parseAddress } from "../../src/core/address.ts";
import { slotOf, windowMs } from "../../src/core/budget.ts";
import type { Hold, Holder } from "../../src/core/hold.ts";
import type { Pause } from "../../src/core/call-ledger.ts";
import type { Grace, Journal } from "../../src/core/journal.ts";
import type { EdgeRow } from "../../src/core/ports.ts";
import { promising } from "../support/journals.ts";
import type { TestedJournal } from "../support/journals.ts";

const now = 1_800_000_000_000;
const minute = 60_000;
const sshd: Holder = { profile: "", jail: "sshd", host: "web1" };
const nginx: Holder = { ...sshd, jail: "nginx" };
const elsewhere: Holder = { ...sshd, host: "web2" };
const seven = parseAddress("203.0.113.7");
const eight = parseAddress("203.0.113.8");
const forgotten: Grace = { slackMs: minute, restartMs: 2 * minute, stillBannedUntil: () => null };
const ours: Pick<EdgeRow, "id" | "mode" | "owned"> = { id: "one", mode: "block", owned: true };
const rejected: Pause = { kind: "rejected", reason: "no", sinceAt: now, untilAt: now + minute, failures: 1 };

function holdOf(holder: Holder, address = seven, rest: Partial<Hold> = {}): Hold {
  return { ...holder, address, networks: [address], mode: "block", untilAt: null, ...rest };
}

/** What is due of the main profile, as texts. */
async function due(journal: Journal, at = now): Promise<string[]> {
  return (await journal.due("", at, 100)).map(({ pending }) => pending.network.text);
}

/** Settles all that is due. */
async function deliver(journal: Journal, profile = ""): Promise<void> {
  const all = await journal.due(profile, now, 100);
  await journal.settle(all.map(({ pending }) => pending.generation));
}

async function views(journal: Journal, jail: string | null = null): Promise<string[]> {
  const holds = await journal.holds(jail);
  return holds.map(({ jail, host, address, state, ids }) => [jail, host, address, state, ...ids].join(" "));
}

/** What every journal promises, whatever it is kept in; each test opens one of its own. */
export function journalContract(kind: string, open: () => Promise<TestedJournal>): void {
  const promise = promising(kind, open);

  promise(
    "networks stand as they are held and known now, in the order in which they are asked for",
    async (journal) => {
      await journal.hold(holdOf(sshd, seven), now);
      await journal.hold(holdOf({ ...nginx, profile: "other" }, seven, { mode: "challenge" }), now + 1);
      await journal.record("zone:1", "", [{ network: eight.text, row: ours }]);
      expect(await journal.standing([eight.text, "203.0.113.9", seven.text])).toEqual([
        { wants: [], rows: [{ ...ours, place: "zone:1", network: eight.text }] },
        { wants: [], rows: [] },
        {
          wants: [
            { profile: "", jail: "sshd", mode: "block", outside: false },
            { profile: "other", jail: "nginx", mode: "challenge", outside: false },
          ],
          rows: [],
        },
      ]);
    },
  );

  promise("what stands at a place otherwise than is wanted there is astray", async (journal) => {
    const cases = [
      { last: 1, held: "block", row: null, astray: true },
      { last: 2, held: "block", row: ours, astray: false },
      { last: 3, held: "block", row: { ...ours, mode: null }, astray: true },
      { last: 4, held: "block", row: { ...ours, mode: "challenge" }, astray: true },
      { last: 5, held: "block", row: { ...ours, mode: "whitelist", owned: false }, astray: false },
      { last: 6, held: null, row: ours, astray: true },
      { last: 7, held: null, row: { ...ours, owned: false }, astray: false },
      { last: 8, held: null, row: null, astray: false },
    ] as const;
    for (const { last, held, row } of cases) {
      const address = parseAddress(`203.0.113.${last}`);
      if (held !== null) await journal.hold(holdOf(sshd, address, { mode: held }), now);
      if (row !== null) await journal.record("zone:1", "", [{ network: address.text, row }]);
    }
    await deliver(journal);
    const found = await journal.astray("", { place: "zone:1", mode: null, profiles: new Set([""]) });
    expect(found.toSorted()).toEqual(
      cases.filter(({ astray }) => astray).map(({ last }) => `203.0.113.${last}`),
    );
  });

  promise("only who blocks at a place has something to want there", async (journal) => {
    const other: Holder = { ...nginx, profile: "other" };
    await journal.hold(holdOf(other, seven), now);
    await journal.hold(holdOf(other, eight), now);
    await journal.record("zone:1", "", [{ network: seven.text, row: ours }]);
    await deliver(journal, "other");
    const astray = (...profiles: readonly string[]): Promise<readonly string[]> =>
      journal.astray("", { place: "zone:1", mode: null, profiles: new Set(profiles) });
    expect(await astray()).toEqual([seven.text]);
    expect(await astray("")).toEqual([seven.text]);
    expect(await astray("", "other")).toEqual([eight.text]);
  });

  promise("at a place of one mode nothing of another mode is wanted", async (journal) => {
    await journal.hold(holdOf(sshd, seven, { mode: "challenge" }), now);
    await journal.hold(holdOf(sshd, eight), now);
    await journal.record("list:1", "", [{ network: eight.text, row: { ...ours, mode: "challenge" } }]);
    await deliver(journal);
    const list = { place: "list:1", profiles: new Set([""]) };
    expect((await journal.astray("", { ...list, mode: "challenge" })).toSorted()).toEqual([
      seven.text,
      eight.text,
    ]);
    expect(await journal.astray("", { ...list, mode: "managed_challenge" })).toEqual([eight.text]);
  });

  promise("what one profile forgets of a place, another one still knows", async (journal) => {
    await journal.record("zone:1", "", [{ network: seven.text, row: ours }]);
    await journal.record("zone:1", "other", [{ network: eight.text, row: ours }]);
    await journal.record("zone:2", "", [{ network: seven.text, row: ours }]);
    await journal.forgetPlace("zone:1", "");
    const known = async (place: string) => (await journal.known(place)).map(({ network }) => network);
    expect([await known("zone:1"), await known("zone:2")]).toEqual([[eight.text], [seven.text]]);
  });

  promise("what is pending, waits for its next try or is parked is not astray", async (journal) => {
    const site = { place: "zone:1", mode: null, profiles: new Set([""]) };
    await journal.hold(holdOf(sshd, seven, { networks: [seven, eight] }), now);
    expect(await journal.astray("", site)).toEqual([]);
    const [first, second] = await journal.due("", now, 10);
    const generations = [first, second].map((one) => one?.pending.generation ?? 0);
    await journal.retry(generations.slice(0, 1), now + minute, "no");
    await journal.park(generations[1] ?? 0, "never");
    expect(await journal.astray("", site)).toEqual([]);
    await journal.settle(generations);
    expect((await journal.astray("", site)).toSorted()).toEqual([seven.text, eight.text]);
  });

  promise("what has failed is due after what has not, and what was only put off has not", async (journal) => {
    const nine = parseAddress("203.0.113.9");
    for (const address of [seven, eight, nine]) await journal.hold(holdOf(sshd, address), now);
    const generationOf = async ({ text }: typeof seven): Promise<readonly number[]> =>
      (await journal.due("", now + minute, 10))
        .filter(({ pending }) => pending.network.text === text)
        .map(({ pending }) => pending.generation);
    await journal.retry(await generationOf(seven), now, "no");
    await journal.retry(await generationOf(seven), now, "no");
    await journal.retry(await generationOf(eight), now, "no");
    await journal.postpone(await generationOf(nine), now + 1, "not now");
    expect(await due(journal)).toEqual([eight.text, seven.text]);
    expect(await due(journal, now + 1)).toEqual([nine.text, eight.text, seven.text]);
    expect(await journal.due("", now + 1, 2)).toHaveLength(2);
  });

  promise("a hold makes its networks due, with who wants them", async (journal) => {
    await journal.hold(holdOf(sshd, seven, { networks: [seven, eight] }), now);
    await journal.hold(holdOf(nginx, seven, { mode: "challenge" }), now + 1);
    const all = await journal.due("", now, 10);
    expect(all.map(({ pending, wants, rows }) => [pending.network.text, wants, rows])).toEqual([
      ["203.0.113.8", [{ profile: "", jail: "sshd", mode: "block", outside: false }], []],
      [
        "203.0.113.7",
        [
          { profile: "", jail: "sshd", mode: "block", outside: false },
          { profile: "", jail: "nginx", mode: "challenge", outside: false },
        ],
        [],
      ],
    ]);
    expect(await journal.due("", now, 1)).toHaveLength(1);
    expect(await journal.due("client-a", now, 10)).toEqual([]);
  });

  promise("a hold that is renewed and changes nothing leaves nothing pending", async (journal) => {
    await journal.hold(holdOf(sshd, seven, { untilAt: now + minute }), now);
    await deliver(journal);
    await journal.flush(sshd, "inet4", now + minute);
    await journal.hold(holdOf(sshd, seven, { untilAt: now + 2 * minute }), now + 5);
    expect(await due(journal)).toEqual([]);
    expect(await journal.nextTryAt("", now)).toBeNull();
    expect(await journal.holds(null)).toMatchObject([
      { sinceAt: now, untilAt: now + 2 * minute, releaseAt: null },
    ]);
  });

  promise("a hold in another mode is due again", async (journal) => {
    await journal.hold(holdOf(sshd), now);
    await deliver(journal);
    await journal.hold(holdOf(sshd, seven, { mode: "js_challenge" }), now);
    expect((await journal.due("", now, 10)).flatMap(({ wants }) => wants)).toEqual([
      { profile: "", jail: "sshd", mode: "js_challenge", outside: false },
    ]);
  });

  promise("a release says what was held, and leaves what others hold", async (journal) => {
    await journal.hold(holdOf(sshd), now);
    await journal.hold(holdOf(nginx), now);
    await journal.hold(holdOf(elsewhere), now);
    expect(await journal.release(sshd, eight, now)).toEqual([]);
    expect(await journal.release(sshd, seven, now)).toEqual(["203.0.113.7"]);
    expect(await journal.release(sshd, seven, now)).toEqual([]);
    expect(await views(journal)).toEqual(["nginx web1 203.0.113.7 pending", "sshd web2 203.0.113.7 pending"]);
    expect((await journal.due("", now, 10))[0]?.wants).toHaveLength(2);
  });

  promise("bans are due before unbans, older before newer", async (journal) => {
    for (const last of [1, 2, 3, 4]) await journal.hold(holdOf(sshd, parseAddress(`203.0.113.${last}`)), now);
    await deliver(journal);
    await journal.release(sshd, parseAddress("203.0.113.3"), now);
    await journal.release(sshd, parseAddress("203.0.113.1"), now);
    await journal.hold(holdOf(nginx, parseAddress("203.0.113.9")), now);
    await journal.hold(holdOf(nginx, parseAddress("203.0.113.5")), now);
    expect(await due(journal)).toEqual(["203.0.113.9", "203.0.113.5", "203.0.113.3", "203.0.113.1"]);
  });

  promise("a delivery settles only the wish that it read", async (journal) => {
    await journal.hold(holdOf(sshd), now);
    await journal.hold(holdOf(sshd, eight), now);
    const read = await journal.due("", now, 10);
    await journal.release(sshd, seven, now);
    await journal.settle(read.map(({ pending }) => pending.generation));
    expect(await due(journal)).toEqual(["203.0.113.7"]);
  });

  promise(
    "a flush lets go of one family of one jail, and a later moment replaces an earlier",
    async (journal) => {
      await journal.hold(holdOf(sshd), now);
      await journal.hold(holdOf(sshd, parseAddress("2001:db8::7")), now);
      await journal.hold(holdOf(nginx, eight), now);
      await journal.flush(sshd, "inet4", now + 10);
      expect(await journal.nextEndAt(0)).toBe(now + 10);
      await journal.defer(sshd, now + minute);
      await journal.defer(sshd, now + 20);
      expect(await journal.nextEndAt(0)).toBe(now + minute);
      expect(await journal.sweep(now + minute - 1, forgotten)).toBe(0);
      expect(await journal.sweep(now + minute, forgotten)).toBe(1);
      expect((await views(journal)).toSorted()).toEqual([
        "nginx web1 203.0.113.8 pending",
        "sshd web1 2001:db8::7 pending",
      ]);
      expect(await journal.nextEndAt(0)).toBeNull();
    },
  );

  promise("a sweep ends what is over, on every host, unless fail2ban still has it", async (journal) => {
    const untilAt = now + minute;
    await journal.hold(holdOf(sshd, seven, { untilAt }), now);
    await journal.hold(holdOf(sshd, eight, { untilAt }), now);
    await journal.hold(holdOf(elsewhere, eight, { untilAt }), now);
    await journal.hold(holdOf(nginx, eight), now);
    await deliver(journal);
    expect(await journal.nextEndAt(minute)).toBe(now + 2 * minute);
    const stillBannedUntil = (_: string, address: string) =>
      address === "203.0.113.7" ? now + 9 * minute : null;
    const ended = await journal.sweep(now + 2 * minute, { ...forgotten, stillBannedUntil });
    expect(ended).toBe(2);
    expect((await views(journal)).toSorted()).toEqual([
      "nginx web1 203.0.113.8 pending",
      "sshd web1 203.0.113.7 blocked",
    ]);
    expect(await journal.nextEndAt(minute)).toBe(now + 10 * minute);
  });

  promise("a flushed hold that fail2ban still has gets the restart's grace, once", async (journal) => {
    await journal.hold(holdOf(sshd), now);
    await journal.flush(sshd, "inet4", now);
    const grace: Grace = { ...forgotten, stillBannedUntil: () => Number.POSITIVE_INFINITY };
    expect(await journal.sweep(now, grace)).toBe(0);
    expect(await journal.nextEndAt(minute)).toBe(now + grace.restartMs);
    expect(await journal.sweep(now + grace.restartMs, grace)).toBe(1);
  });

  promise(
    "a network that failed is due again at its time, or at once where the clock was set back",
    async (journal) => {
      await journal.hold(holdOf(sshd), now);
      const [read] = await journal.due("", now, 1);
      await journal.retry([read?.pending.generation ?? 0], now + minute, "status 503");
      expect(await due(journal)).toEqual([]);
      expect(await journal.nextTryAt("", now)).toBe(now + minute);
      expect(await journal.progress("", "203.0.113.7")).toEqual({
        parked: false,
        reason: "status 503",
        attempts: 1,
      });
      expect(await due(journal, now + minute)).toEqual(["203.0.113.7"]);
      expect(await journal.nextTryAt("", now + minute)).toBe(0);
      expect(await due(journal, now - 60 * minute)).toEqual(["203.0.113.7"]);
      await journal.hurry("");
      expect(await due(journal)).toEqual(["203.0.113.7"]);
    },
  );

  promise("a parked network waits until somebody wants something new of it", async (journal) => {
    await journal.hold(holdOf(sshd), now);
    const [read] = await journal.due("", now, 1);
    await journal.park(read?.pending.generation ?? 0, "refused");
    expect(await due(journal)).toEqual([]);
    expect(await journal.nextTryAt("", now)).toBeNull();
    expect(await journal.progress("", "203.0.113.7")).toMatchObject({ parked: true, reason: "refused" });
    expect(await views(journal)).toEqual(["sshd web1 203.0.113.7 parked"]);
    expect(await journal.summary(now)).toMatchObject({ pending: 0, parked: 1 });
    await journal.hold(holdOf(nginx), now);
    expect(await due(journal)).toEqual(["203.0.113.7"]);
  });

  promise("what is known of places is replaced, forgotten, and kept apart", async (journal) => {
    await journal.begin("zone:a", "", ["203.0.113.7", "203.0.113.8"]);
    await journal.begin("zone:b", "client-a", ["203.0.113.7"]);
    await journal.record("zone:a", "", [
      { network: "203.0.113.7", row: null },
      { network: "203.0.113.8", row: { ...ours, id: "two" } },
      { network: "203.0.113.7", row: ours },
    ]);
    expect((await journal.known("zone:a")).toSorted((a, b) => a.network.localeCompare(b.network))).toEqual([
      { place: "zone:a", network: "203.0.113.7", ...ours },
      { place: "zone:a", network: "203.0.113.8", ...ours, id: "two" },
    ]);
    expect(await journal.known("zone:b")).toEqual([
      { place: "zone:b", network: "203.0.113.7", id: null, mode: null, owned: true },
    ]);
    // From when a call is begun until its answer, nothing is certain there.
    await journal.begin("zone:a", "", ["203.0.113.7", "203.0.113.7"]);
    expect(await journal.known("zone:a")).toContainEqual({
      ...{ place: "zone:a", network: "203.0.113.7", id: null, mode: null, owned: true },
    });
    expect(await journal.placesBeside([""])).toEqual([{ profile: "client-a", place: "zone:b" }]);
    expect(await journal.placesBeside(["", "client-a"])).toEqual([]);
    expect(await journal.placesOf("")).toEqual(["zone:a"]);
    expect(await journal.placesOf("client-a")).toEqual(["zone:b"]);
    await journal.record("zone:b", "client-a", [{ network: "203.0.113.7", row: null }]);
    expect(await journal.placesOf("client-a")).toEqual([]);
  });

  promise("a recheck makes networks due that are held, parked, or named", async (journal) => {
    for (const address of [seven, eight]) await journal.hold(holdOf(sshd, address), now);
    const [read] = await journal.due("", now, 1);
    await journal.park(read?.pending.generation ?? 0, "refused");
    await deliver(journal);
    await journal.record("zone:a", "", [{ network: "203.0.113.9", row: ours }]);
    await journal.hold(holdOf({ ...sshd, profile: "client-a" }, parseAddress("203.0.113.10")), now);
    await journal.recheck("", "all", now);
    expect((await due(journal)).toSorted()).toEqual(["203.0.113.7", "203.0.113.8"]);
    await deliver(journal);
    await journal.recheck("", ["203.0.113.9", "203.0.113.7", "203.0.113.9"], now);
    expect(await due(journal)).toEqual(["203.0.113.7", "203.0.113.9"]);
    expect((await journal.due("", now, 10))[1]?.rows).toEqual([
      { place: "zone:a", network: "203.0.113.9", ...ours },
    ]);
  });

  promise("all that is wanted is told in the order in which it came", async (journal) => {
    await journal.hold(holdOf(nginx, eight, { mode: "challenge" }), now);
    await journal.hold(holdOf(sshd, seven, { networks: [seven, eight] }), now + 1);
    const wanted = await journal.wanted();
    expect(wanted.map(({ jail, address, network }) => [jail, address, network])).toEqual([
      ["nginx", "203.0.113.8", "203.0.113.8"],
      ["sshd", "203.0.113.7", "203.0.113.7"],
      ["sshd", "203.0.113.7", "203.0.113.8"],
    ]);
    expect(wanted[0]).toEqual({
      ...{ profile: "", jail: "nginx", host: "web1", mode: "challenge", outside: false },
      ...{ address: "203.0.113.8", network: "203.0.113.8" },
    });
  });

  promise("a release that a clock has put too far ahead comes sooner, and no other", async (journal) => {
    await journal.hold(holdOf(sshd), now);
    await journal.hold(holdOf(nginx), now);
    await journal.flush(sshd, "inet4", now + 100 * minute);
    await journal.flush(nginx, "inet4", now + 1);
    await journal.hasten(now + minute);
    const releases = (await journal.holds(null)).map(({ jail, releaseAt }) => [jail, releaseAt]);
    expect(releases.toSorted()).toEqual([
      ["nginx", now + 1],
      ["sshd", now + minute],
    ]);
  });

  promise("what is pending and what is in its way are told together", async (journal) => {
    for (const address of [seven, eight]) await journal.hold(holdOf(sshd, address), now);
    const [read] = await journal.due("", now, 1);
    await journal.park(read?.pending.generation ?? 0, "refused");
    await journal.setPause("profile:/credential", rejected);
    const pauses = [{ subject: "profile:/credential", ...rejected }];
    expect(await journal.backlog()).toEqual({ pending: 1, parked: 1, pauses });
  });

  promise("once all is forgotten nothing is held, pending or known", async (journal) => {
    await journal.hold(holdOf(sshd), now);
    await journal.record("zone:a", "", [{ network: "203.0.113.7", row: ours }]);
    await journal.forgetAll();
    expect([await views(journal), await due(journal), await journal.known("zone:a")]).toEqual([[], [], []]);
    expect([await journal.jails("web1"), await journal.jailViews(now)]).toEqual([[], []]);
  });

  promise("calls are counted per credential, given back, and forgotten with time", async (journal) => {
    await journal.spend("a", 10, now);
    await journal.spend("a", -4, now);
    await journal.spend("b", 1, now);
    await journal.spend("b", -5, now);
    expect(await journal.slots("a")).toEqual([{ startAt: slotOf(now), calls: 6 }]);
    expect(await journal.slots("b")).toEqual([{ startAt: slotOf(now), calls: 0 }]);
    expect(await journal.summary(now)).toMatchObject({ calls: 6 });
    const later = now + 3 * windowMs;
    await journal.spend("a", 1, later);
    expect(await journal.slots("a")).toEqual([{ startAt: slotOf(later), calls: 1 }]);
  });

  promise("pauses are kept by subject, and cleared for one profile only", async (journal) => {
    const subjects = ["profile:a/credential", "profile:a/zone x", "profile:ab/credential", "credential:a"];
    for (const subject of subjects) await journal.setPause(subject, rejected);
    await journal.setPause("profile:ab/credential", { ...rejected, kind: "unavailable", failures: 2 });
    await journal.clearPauses("a");
    expect(await journal.pause("profile:a/zone x")).toBeNull();
    expect(await journal.pause("profile:ab/credential")).toEqual({
      ...rejected,
      kind: "unavailable",
      failures: 2,
    });
    await journal.setPause("profile:ab/credential", null);
    expect((await journal.summary(now)).pauses).toEqual([{ subject: "credential:a", ...rejected }]);
  });

  promise("a rejection is said once per jail in a while", async (journal) => {
    await journal.hold(holdOf(sshd), now);
    await journal.hold(holdOf(nginx), now);
    expect(await journal.shout(sshd, now, minute)).toBeNull();
    await journal.setPause("profile:/credential", rejected);
    expect(await journal.shout(sshd, now, minute)).toMatchObject({ kind: "rejected", reason: "no" });
    expect(await journal.shout(sshd, now + 1, minute)).toBeNull();
    expect(await journal.shout(nginx, now + 1, minute)).toMatchObject({ reason: "no" });
    expect(await journal.shout(sshd, now + minute, minute)).toMatchObject({ reason: "no" });
    await journal.setPause("profile:/credential", null);
    expect(await journal.shout(sshd, now + 9 * minute, minute)).toBeNull();
  });

  promise("jails are known by what they held or said, and what each holds", async (journal) => {
    await journal.know(nginx, "challenge");
    await journal.hold(holdOf(sshd, seven, { networks: [seven, eight] }), now);
    await journal.know(nginx, "block");
    expect(await journal.jails("web1")).toEqual([
      { profile: "", jail: "nginx", mode: "block" },
      { profile: "", jail: "sshd", mode: "block" },
    ]);
    expect([...(await journal.heldBy(sshd))]).toEqual([
      ["203.0.113.7", { sinceAt: now, untilAt: null, released: false }],
    ]);
    expect([...(await journal.heldBy(nginx))]).toEqual([]);
    await journal.forget(nginx);
    expect((await journal.jails("web1")).map(({ jail }) => jail)).toEqual(["sshd"]);
  });

  promise("facts are remembered and replaced", async (journal) => {
    expect(await journal.fact("zone:x")).toBeNull();
    await journal.setFact("zone:x", "one");
    await journal.setFact("zone:x", "two");
    expect(await journal.fact("zone:x")).toBe("two");
  });

  promise("a view says of each hold how far it is, and by which rules", async (journal) => {
    await journal.hold(holdOf(sshd), now);
    await journal.hold(holdOf(nginx, eight), now + 1);
    await deliver(journal);
    await journal.hold(holdOf(elsewhere, parseAddress("203.0.113.9")), now + 2);
    await journal.record("zone:a", "", [
      { network: "203.0.113.7", row: ours },
      { network: "203.0.113.8", row: { id: "hers", mode: "whitelist", owned: false } },
    ]);
    await journal.record("zone:b", "", [{ network: "203.0.113.7", row: { ...ours, id: "two" } }]);
    expect(await views(journal)).toEqual([
      "sshd web1 203.0.113.7 blocked one two",
      "nginx web1 203.0.113.8 foreign hers",
      "sshd web2 203.0.113.9 pending",
    ]);
    expect(await views(journal, "nginx")).toEqual(["nginx web1 203.0.113.8 foreign hers"]);
    expect(await journal.summary(now)).toMatchObject({
      holds: 3,
      networks: 3,
      atEdge: 2,
      pending: 1,
      parked: 0,
      pauses: [],
    });
  });

  test(`${kind}: everything outlives the process that recorded it`, async () => {
    await using tested = await open();
    await tested.journal.hold(holdOf(sshd), now);
    await deliver(tested.journal);
    await tested.journal.hold(holdOf(nginx, eight), now);
    await tested.journal.record("zone:a", "", [{ network: "203.0.113.7", row: ours }]);
    await tested.journal.setFact("zone:x", "one");
    const before = await views(tested.journal);
    await tested.reopen();
    expect(await views(tested.journal)).toEqual(before);
    expect(await due(tested.journal)).toEqual(["203.0.113.8"]);
    expect(await tested.journal.fact("zone:x")).toBe("one");
  });
}
