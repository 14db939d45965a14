import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "../../src/core/address.ts";
import { accessRuleReach } from "../../src/core/cover.ts";
import { refuseUnsafe } from "../../src/core/guard.ts";
import { intake } from "../../src/core/intake.ts";
import { Failure } from "../../src/errors.ts";
import { address, contains, meet, spanOf } from "../support/arbitraries.ts";

const guard = { own: ["2001:db8:5::1"], ignore: [parseAddress("2001:db8:6::1")] };
const options = { guard, ipv6Prefix: 64, reach: accessRuleReach };

test.each([
  ["203.0.113.7", ["203.0.113.7"]],
  ["203.0.113.6/31", ["203.0.113.6", "203.0.113.7"]],
  ["2001:db8::7", ["2001:db8::/64"]],
  ["2001:db8::/48", ["2001:db8::/48"]],
  // The whole network would block this machine, or what is to be ignored.
  ["2001:db8:5::2", ["2001:db8:5::2"]],
  ["2001:db8:6::2", ["2001:db8:6::2"]],
])("for %s, %j is blocked", (text, networks) => {
  expect(intake(parseAddress(text), options)?.map((network) => network.text)).toEqual(networks);
});

test("an address to ignore is not blocked", () => {
  expect(intake(parseAddress("2001:db8:6::1"), options)).toBeNull();
});

test("a network that takes too many rules is refused, with the remedy and the lengths that may be banned", () => {
  const nothing = { own: [], ignore: [], cloudflare: [] };
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const mayBeBanned = (text: string): boolean => {
    try {
      return intake(parseAddress(text), { guard: nothing, ipv6Prefix: 128, reach: accessRuleReach }) !== null;
    } catch (error) {
      const { summary } = error as Failure;
      expect(summary).toContain("more than 256 access rules");
      expect(summary).toContain('backend = "list"');
      expect(summary).toContain("from /8 of IPv4; /24 to /32, /40 to /48, /56 to /64 or from /120 of IPv6");
      return false;
    }
  };
  expect(range(6, 32).filter((length) => mayBeBanned(`203.0.113.0/${length}`))).toEqual(range(8, 32));
  expect(range(16, 128).filter((length) => mayBeBanned(`2001:db8::/${length}`))).toEqual([
    ...range(24, 32),
    ...range(40, 48),
    ...range(56, 64),
    ...range(120, 128),
  ]);
});

test("what is blocked contains the address, and nothing that must not be blocked", () => {
  fc.assert(
    fc.property(
      address,
      fc.array(address, { maxLength: 3 }),
      fc.array(address, { maxLength: 3 }),
      fc.constantFrom(32, 48, 56, 64, 100, 128),
      (one, own, ignore, ipv6Prefix) => {
        const by = { own: own.map(({ text }) => text), ignore };
        let networks: ReturnType<typeof intake>;
        try {
          networks = intake(one, { guard: by, ipv6Prefix, reach: accessRuleReach });
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
          return;
        }
        expect(networks === null).toBe(ignore.some((entry) => meet(spanOf(entry), spanOf(one))));
        for (const network of networks ?? []) {
          refuseUnsafe(network, by);
          expect(ignore.some((entry) => meet(spanOf(entry), spanOf(network)))).toBe(false);
        }
        if (networks?.length === 1) {
          expect(networks.some((network) => contains(spanOf(network), spanOf(one)))).toBe(true);
        }
      },
    ),
    { numRuns: 300 },
  );
});
