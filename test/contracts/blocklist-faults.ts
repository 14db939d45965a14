import { describe, expect, test } from "bun:test";
import { firstOf } from "../support/backends.ts";
import type { Backend } from "../support/backends.ts";
import { add, made, mark, outcomes, remove } from "../support/changes.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare, Fault } from "../support/fake-cloudflare.ts";
import type { Blocklist } from "../../src/core/ports.ts";

const lost: readonly [name: string, fault: Fault][] = [
  ["is lost", { kind: "lostAnswer" }],
  ["is cut", { kind: "truncated" }],
  ["has no result", { kind: "nullResult" }],
];

/** What the core may rely on when Cloudflare does not do as it is asked. */
export function blocklistFaults(backend: Backend): void {
  const { standing, adds, removes } = backend;
  const first = (edge: FakeCloudflare): Blocklist => firstOf(backend, edge);
  const ours = (network: string) => ({ network, mode: "block", mark });

  describe(`in trouble, a blocklist of ${backend.name}`, () => {
    test.each(lost)("can be asked again when the answer to an addition %s", async (_, fault) => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      edge.fail(fault, { when: adds });
      expect(outcomes(await made(place, [add("203.0.113.7")]))).toEqual(["unavailable"]);
      expect(outcomes(await made(place, [add("203.0.113.7")]))).toEqual(["present"]);
      expect(standing(edge)).toEqual([ours("203.0.113.7")]);
    });

    test.each(lost)("can be asked again when the answer to a removal %s", async (_, fault) => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      await made(place, [add("203.0.113.7")]);
      const [entry] = await Array.fromAsync(place.entries({ foreign: false }));
      edge.fail(fault, { when: removes });
      await made(place, [remove("203.0.113.7", entry?.id ?? null)]);
      const again = outcomes(await made(place, [remove("203.0.113.7", entry?.id ?? null)]));
      expect(["removed", "absent"]).toContain(again.join());
      expect(standing(edge)).toEqual([]);
    });

    test.each([
      ["an outage", { kind: "status", status: 503 }],
      ["a page of HTML", { kind: "html", status: 503 }],
      ["a reset connection", { kind: "reset" }],
      ["a rate limit", { kind: "rateLimited", retryAfterS: 30 }],
    ] as const)("calls %s unavailable, and nothing has been done", async (_, fault) => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      edge.fail(fault, { times: Infinity });
      expect(outcomes(await made(place, [add("203.0.113.7"), remove("203.0.113.8")]))).toContain(
        "unavailable",
      );
      edge.heal();
      expect(standing(edge)).toEqual([]);
    });

    test("refuses the one that Cloudflare does not take, with its reason, and adds the others", async () => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      backend.refuse(edge, "203.0.113.13");
      const networks = Array.from({ length: 40 }, (_, last) => `203.0.113.${last}`);
      const settled = await made(
        place,
        networks.map((network) => add(network)),
      );
      const failed = settled.filter((one) => "failure" in one);
      expect(failed.map(({ change }) => change.network.text)).toEqual(["203.0.113.13"]);
      expect(failed[0]?.failure).toMatchObject({
        kind: "refused",
        message: expect.stringMatching(/^Cloudflare refuses to ban 203\.0\.113\.13: no/),
      });
      expect(standing(edge)).toHaveLength(39);
    });

    test("begins nothing after it is told to stop", async () => {
      await using edge = fakeCloudflare();
      const place = first(edge);
      expect(await made(place, [add("203.0.113.7")], AbortSignal.abort())).toEqual([]);
      expect(standing(edge)).toEqual([]);
    });
  });
}
