import { describe, expect, test } from "bun:test";
import { takeCourierLock } from "../../src/journal/lock.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { holdMany, listConfig, listSite, stormAddress } from "../support/list-site.ts";
import { site } from "../support/site.ts";

type Lines = ReturnType<typeof listConfig>;

/** Configurations between which an administrator may change. */
const places: Readonly<Record<string, (edge: FakeCloudflare) => Lines>> = {
  "a zone's rules": () => ({}),
  "another zone's rules": () => ({ zones: '["example.org"]' }),
  "the account's rules": (edge) => ({ zones: null, account: JSON.stringify(edge.account.id) }),
  "the list": (edge) => listConfig(edge),
  "another list": (edge) => listConfig(edge, { list: '"banned"' }),
};

const zones = [{ name: "example.com" }, { name: "example.org" }];
const held = [...Array.from({ length: 12 }, (_, index) => stormAddress(index)), "2001:db8::7"].toSorted();

/** Holds some, at the edge by the first configuration; then has the second. */
async function changed(from: string, to: string) {
  const both = listSite({}, { zones });
  const { edge, web } = both;
  edge.lists.plan.lists = 10;
  web.configure({ config: places[from]?.(edge) ?? {} });
  await holdMany(
    web,
    Array.from({ length: 12 }, (_, index) => index),
  );
  await web.run("ban 2001:db8::7 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(held);
  web.configure({ config: places[to]?.(edge) ?? {} });
  return both;
}

/** Whether everything is where the configuration says, and nowhere else. */
function settled(edge: FakeCloudflare, to: string): void {
  const [rules, items] = [edge.rules(), edge.lists.names().flatMap((name) => edge.lists.items(name))];
  expect([rules.length, items.length]).toEqual(to.includes("list") ? [0, 13] : [13, 0]);
  expect(edge.blocked()).toEqual(held);
  if (to === "another list") expect(edge.lists.items("banned")).toHaveLength(13);
  if (to === "another zone's rules")
    expect(new Set(rules.map(({ scope }) => scope.name))).toEqual(new Set(["example.org"]));
}

const moves = Object.keys(places).flatMap((from) =>
  Object.keys(places).flatMap((to) => (from === to ? [] : [[from, to] as const])),
);

/** What was blocked nowhere at some moment. */
function watchGaps(edge: FakeCloudflare): Set<string> {
  const gaps = new Set<string>();
  edge.onAnswer = () => {
    const blocked = new Set(edge.blocked());
    for (const address of held) if (!blocked.has(address)) gaps.add(address);
  };
  return gaps;
}

describe("a changed configuration moves every ban without a gap", () => {
  test.each(moves)("from %s to %s", async (from, to) => {
    await using both = await changed(from, to);
    const { edge, web } = both;
    const gaps = watchGaps(edge);
    expect((await web.deliver()).code).toBe(0);
    expect([...gaps]).toEqual([]);
    settled(edge, to);
    expect((await web.run("status")).stdout).toContain("pending   0");
  });

  test.each(moves)(
    "from %s to %s, and stays where it was while the new place takes nothing",
    async (from, to) => {
      await using both = await changed(from, to);
      const { edge, web } = both;
      const gaps = watchGaps(edge);
      const adds = ({ method, path }: { method: string; path: string }): boolean =>
        method === "POST" && /(rules|items)$/.test(path);
      edge.fail({ kind: "status", status: 503 }, { times: Infinity, when: adds });
      for (let tries = 0; tries < 3; tries += 1) await web.deliverOnce();
      expect([...gaps]).toEqual([]);
      edge.heal();
      edge.fail({ kind: "status", status: 400, message: "no" }, { when: adds });
      await web.deliverOnce();
      web.clock.now += 61_000;
      await web.deliver();
      expect([...gaps]).toEqual([]);
    },
  );

  test.each([
    ["a zone's rules", "the list"],
    ["the list", "a zone's rules"],
    ["the list", "another list"],
  ])("from %s to %s, and goes on wherever it is cut off", async (from, to) => {
    for (let last = 1, done = false; !done; last += 1) {
      await using both = await changed(from, to);
      const { edge, web } = both;
      const gaps = watchGaps(edge);
      const before = edge.calls.length;
      const nth = () => edge.calls.length - before;
      // What is under way is done, its answer is lost, and nothing is reached after it.
      edge.fail({ kind: "lostAnswer" }, { when: () => nth() === last });
      edge.fail({ kind: "reset" }, { times: Infinity, when: () => nth() > last });
      await web.deliverOnce();
      done = nth() < last;
      edge.heal();
      web.clock.now += 61_000;
      expect((await web.deliver()).code).toBe(0);
      expect([last, ...gaps]).toEqual([last]);
      settled(edge, to);
    }
  });
});

test("a network that the new place does not take as it is has others stand for it", async () => {
  await using both = listSite({}, { zones });
  const { edge, web } = both;
  await web.run("ban 198.51.100.8/30 --jail sshd --bantime 6000");
  await web.run("ban 203.0.113.0/24 --jail sshd");
  await web.deliver();
  expect(edge.lists.items("fail2ban").map(({ ip }) => ip)).toEqual(["198.51.100.8/30", "203.0.113.0/24"]);
  const listed = JSON.parse((await web.run("list --json")).stdout).holds;

  web.configure({ config: {} });
  let cut = false;
  edge.onAnswer = () => {
    const blocked = edge.blocked();
    const singles = ["198.51.100.10", "198.51.100.11", "198.51.100.8", "198.51.100.9"];
    cut ||= !blocked.includes("198.51.100.8/30") && !singles.every((one) => blocked.includes(one));
    cut ||= !blocked.includes("203.0.113.0/24");
  };
  await web.deliver();
  expect(cut).toBe(false);
  expect(edge.lists.items("fail2ban")).toEqual([]);
  expect(edge.blocked()).toEqual([
    "198.51.100.10",
    "198.51.100.11",
    "198.51.100.8",
    "198.51.100.9",
    "203.0.113.0/24",
  ]);
  const after = JSON.parse((await web.run("list --json")).stdout).holds;
  const times = (holds: { address: string; sinceAt: number; untilAt: number | null }[]) =>
    holds.map(({ address, sinceAt, untilAt }) => [address, sinceAt, untilAt]);
  expect(times(after)).toEqual(times(listed));

  await web.run("unban 198.51.100.8/30 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.0/24"]);
});

test("what another profile holds at a place stays there when one leaves it", async () => {
  await using both = listSite({}, { zones });
  const { edge, web } = both;
  const other = `[profiles.other]\nbackend = "list"\naccount = "${edge.account.id}"\nzones = ["example.com"]\n`;
  web.configure({ config: listConfig(edge), tables: other });
  await web.run("ban 203.0.113.7 --jail sshd --profile other");
  await web.run("ban 203.0.113.7 --jail sshd");
  await web.run("ban 203.0.113.8 --jail sshd");
  await web.deliver();
  web.configure({ config: {}, tables: other });
  expect((await web.deliver()).code).toBe(0);
  expect(edge.lists.items("fail2ban").map(({ ip }) => ip)).toEqual(["203.0.113.7"]);
  expect(edge.rules().map(({ configuration }) => configuration.value)).toEqual([
    "203.0.113.7",
    "203.0.113.8",
  ]);
  await web.run("unban 203.0.113.7 --jail sshd --profile other");
  await web.deliver();
  expect(edge.lists.items("fail2ban")).toEqual([]);
});

test("a move that an outage has put off is made by the next courier, without a new ban", async () => {
  await using both = await changed("the list", "a zone's rules");
  const { edge, web } = both;
  edge.fail({ kind: "status", status: 503 }, { times: Infinity, when: ({ method }) => method === "DELETE" });
  await web.deliverOnce();
  expect(edge.rules()).toHaveLength(13);
  edge.heal();
  web.clock.now += 400_000;
  await web.deliver();
  settled(edge, "a zone's rules");
});

test("a courier that has read the configuration just before it changed goes by the new one", async () => {
  await using edge = fakeCloudflare({ zones });
  using web = site(edge);
  await web.run("ban 203.0.113.7 --jail sshd");
  const lock = takeCourierLock(web.journalPath);
  const waits = (): void => {
    web.configure({ config: { zones: '["example.org"]' } });
    lock?.[Symbol.dispose]();
  };
  web.configure({ waits });
  await web.deliver();
  expect(edge.rules().map(({ scope }) => scope.name)).toEqual(["example.org"]);
});
