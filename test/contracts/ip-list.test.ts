import { describe, expect, test } from "bun:test";
import { firstOf, listBackend } from "../support/backends.ts";
import { add, made, outcomes, remove } from "../support/changes.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { callsOf, stormAddress } from "../support/list-site.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, index) => stormAddress(index));

function counts(edge: FakeCloudflare, from: number): Record<string, number> {
  const kinds = callsOf(edge, from).map((call) => {
    if (call.includes("search=")) return "search";
    if (call.includes("per_page=")) return "page";
    return call.includes("bulk_operations") ? "look" : (call.split(" ")[0] ?? "");
  });
  return Object.fromEntries([...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => [kind, all.length]));
}

describe("what is there already is found in as few calls as can be", () => {
  test.each([
    ["two are searched for", 2, 3_000, { GET: 1, search: 2, POST: 1, look: 1 }],
    ["five of a long list are searched for", 5, 3_000, { GET: 2, search: 5, POST: 1, look: 1 }],
    ["many of a long list are found by its pages", 50, 3_000, { GET: 2, page: 6, POST: 1, look: 1 }],
    ["an empty list is looked at", 50, 0, { GET: 2, page: 1, POST: 1, look: 1 }],
  ])("%s", async (_, wanted, there, expected) => {
    await using edge = fakeCloudflare();
    const place = firstOf(listBackend, edge);
    for (const network of upTo(there)) edge.lists.plantItem("fail2ban", network, "theirs");
    const from = edge.calls.length;
    const settled = await made(
      place,
      Array.from({ length: wanted }, (_each, last) => add(`203.0.113.${last}`)),
    );
    expect(settled).toHaveLength(wanted);
    // The id of the list is looked for once, as nothing is remembered here.
    expect(counts(edge, from)).toEqual(expected);
    expect(edge.lists.items("fail2ban")).toHaveLength(wanted + there);
    expect(edge.violations).toEqual([]);
  });

  test("a search whose answers fill several pages is followed to its end", async () => {
    await using edge = fakeCloudflare();
    const place = firstOf(listBackend, edge);
    for (let last = 0; last < 600; last += 1)
      edge.lists.plantItem("fail2ban", `2001:db8::1:${last.toString(16)}`);
    edge.lists.plantItem("fail2ban", "2001:db8::1", "Fail2Ban sshd host:web1");
    expect(await made(place, [add("2001:db8::1")])).toMatchObject([
      { outcome: "present", row: { owned: true } },
    ]);
  });
});

test("what another tool adds while we wait for our turn is left as it is", async () => {
  let at = 0;
  await using edge = fakeCloudflare({ now: () => at });
  const [place] = listBackend.open(edge, {
    async sleep(ms) {
      at += ms;
      if (edge.lists.items("fail2ban").length === 0)
        edge.lists.plantItem("fail2ban", "203.0.113.7", "theirs");
    },
  });
  edge.lists.occupy(5_000);
  const settled = place === undefined ? [] : await made(place, [add("203.0.113.7"), add("203.0.113.8")]);
  expect(settled).toMatchObject([{ outcome: "present", row: { owned: false } }, { outcome: "added" }]);
  expect(edge.lists.items("fail2ban").map(({ comment }) => comment)).toEqual([
    "theirs",
    "Fail2Ban sshd host:web1",
  ]);
});

test("what somebody removes or makes his own while we remove is left to him", async () => {
  await using edge = fakeCloudflare();
  const place = firstOf(listBackend, edge);
  edge.lists.removalNeedsEveryId = true;
  const networks = ["203.0.113.1", "203.0.113.2", "203.0.113.3"];
  await made(
    place,
    networks.map((network) => add(network)),
  );
  edge.onRequest = ({ method }) => {
    if (method !== "DELETE") return;
    edge.onRequest = null;
    edge.lists.removeItem("fail2ban", "203.0.113.1");
    edge.lists.plantItem("fail2ban", "203.0.113.2", "mine now");
  };
  const settled = await made(
    place,
    networks.map((network) => remove(network)),
  );
  const fates = settled.map((one) => [one.change.network.text, ...outcomes([one])]);
  expect(Object.fromEntries(fates)).toEqual({
    "203.0.113.1": "absent",
    "203.0.113.2": "absent",
    "203.0.113.3": "removed",
  });
  expect(edge.lists.items("fail2ban")).toMatchObject([{ ip: "203.0.113.2", comment: "mine now" }]);
});

test("what finds no room is full, and leaves nothing behind", async () => {
  await using edge = fakeCloudflare();
  const place = firstOf(listBackend, edge);
  edge.lists.plan.items = 6;
  const settled = await made(
    place,
    upTo(10).map((network) => add(network)),
  );
  expect(outcomes(settled).join(" ")).toBe(`${"added ".repeat(6)}full full full full`);
  expect(edge.lists.items("fail2ban").map(({ ip }) => ip)).toEqual(upTo(6));
});

test("the lists of an account take turns, and meet no refusal", async () => {
  let at = 0;
  await using edge = fakeCloudflare({ now: () => at });
  edge.lists.bulk.delayMs = 3_000;
  const places = listBackend.open(edge, { sleep: async (ms) => void (at += ms) });
  await Promise.all(
    places.map((place, last) => made(place, [add(`203.0.113.${last}`, place.mode ?? "block")])),
  );
  expect(listBackend.standing(edge)).toHaveLength(4);
  expect(edge.lists.bulk.refused).toBe(0);
});
