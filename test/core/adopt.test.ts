import { expect, test } from "bun:test";
import fc from "fast-check";
import { judge } from "../../src/core/adopt.ts";
import { modes } from "../../src/core/hold.ts";
import type { Wanted } from "../../src/core/journal.ts";
import type { Leftover } from "../../src/core/ports.ts";

const site = { profiles: new Set(["", "client-a"]) };
const ours = new Set(["sshd", "nginx"]);
const jail = fc.constantFrom("sshd", "nginx", "postfix");
const network = fc.constantFrom("203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8::/64");

const leftovers = fc.uniqueArray(
  fc.record({ network, jail, mode: fc.constantFrom(...modes), id: fc.uuid() }),
  { selector: (leftover) => leftover.network },
);
const wanted = fc.array(
  fc.record({
    network,
    address: network,
    jail,
    profile: fc.constantFrom("", "client-a", "client-b"),
    host: fc.constantFrom("web1", "web2"),
    mode: fc.constantFrom(...modes),
    outside: fc.constant(false),
  }),
);

test("every leftover of our jails is live, replaced or stale, as it is wanted here, and the others are left", () => {
  fc.assert(
    fc.property(leftovers, wanted, (left, wants) => {
      const { live, replaced, stale, others } = judge(left, wants, site, ours);
      expect([...live, ...replaced, ...stale, ...others].map(({ id }) => id).toSorted()).toEqual(
        left.map(({ id }) => id).toSorted(),
      );
      const here = wants.filter(({ profile }) => profile !== "client-b");
      const isWanted = (one: Leftover, key: "network" | "address"): boolean =>
        here.some((want: Wanted) => want[key] === one.network);
      expect(others.every((one) => one.jail === "postfix")).toBe(true);
      expect(live.every((one) => isWanted(one, "network"))).toBe(true);
      expect(replaced.every((one) => !isWanted(one, "network") && isWanted(one, "address"))).toBe(true);
      expect(stale.every((one) => !isWanted(one, "network") && !isWanted(one, "address"))).toBe(true);
      for (const { network: text, id, adoption } of live) {
        expect(adoption).toMatchObject({ id, network: { text } });
        expect(here).toContainEqual(
          expect.objectContaining({ network: text, mode: adoption.mode, jail: adoption.jail }),
        );
      }
    }),
    { numRuns: 500 },
  );
});
