import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "../../src/core/address.ts";
import { accessRuleReach, cover, mostNetworks, widen } from "../../src/core/cover.ts";
import { address, contains, ipv4, ipv6, spanOf } from "../support/arbitraries.ts";

test.each([
  ["203.0.113.7", 1, "203.0.113.7", "203.0.113.7"],
  ["203.0.113.0/30", 4, "203.0.113.0", "203.0.113.3"],
  ["203.0.113.0/25", 128, "203.0.113.0", "203.0.113.127"],
  ["203.0.113.0/24", 1, "203.0.113.0/24", "203.0.113.0/24"],
  ["198.51.0.0/17", 128, "198.51.0.0/24", "198.51.127.0/24"],
  ["198.51.0.0/16", 1, "198.51.0.0/16", "198.51.0.0/16"],
  ["198.0.0.0/8", 256, "198.0.0.0/16", "198.255.0.0/16"],
  ["2001:db8::7", 1, "2001:db8::7", "2001:db8::7"],
  ["2001:db8::/120", 256, "2001:db8::", "2001:db8::ff"],
  ["2001:db8::/56", 256, "2001:db8::/64", "2001:db8:0:ff::/64"],
  ["2001:db8::/24", 256, "2001:d00::/32", "2001:dff::/32"],
])("%s takes %d access rules, from %s to %s", (text, count, first, last) => {
  const networks = cover(parseAddress(text), accessRuleReach)?.map((network) => network.text);
  expect(networks).toHaveLength(count);
  expect([networks?.at(0), networks?.at(-1)]).toEqual([first, last]);
});

test.each(["0.0.0.0/0", "198.0.0.0/7", "2001:db8::/23", "2001:db8::/65", "2001:db8::/119", "::/0"])(
  "%s takes too many access rules",
  (text) => {
    expect(cover(parseAddress(text), accessRuleReach)).toBeNull();
  },
);

const lengths = (bits: number) => fc.uniqueArray(fc.nat(bits), { maxLength: 5 }).map(ascending);
const reach = fc.oneof(fc.constant(accessRuleReach), fc.record({ inet4: lengths(32), inet6: lengths(128) }));

test("a cover is exactly the network: of allowed lengths, without gap or overlap, as few as can be", () => {
  fc.assert(
    fc.property(address, reach, (one, allowed) => {
      const networks = cover(one, allowed);
      const whole = spanOf(one);
      const fits = allowed[one.family].filter((length) => length >= one.prefix);
      const fewest = fits.length === 0 ? Number.POSITIVE_INFINITY : 2 ** (Math.min(...fits) - one.prefix);
      if (networks === null) {
        expect(fewest).toBeGreaterThan(mostNetworks);
        return;
      }
      expect(networks).toHaveLength(fewest);
      expect(fewest).toBeLessThanOrEqual(mostNetworks);
      let next = whole.first;
      for (const network of networks) {
        const span = spanOf(network);
        expect(allowed[one.family]).toContain(network.prefix);
        expect([span.family, span.first]).toEqual([whole.family, next]);
        next = span.first + span.size;
      }
      expect(next).toBe(whole.first + whole.size);
    }),
    { numRuns: 500 },
  );
});

test("a widened address contains the address and is no wider than asked", () => {
  fc.assert(
    fc.property(ipv6, fc.integer({ min: 32, max: 128 }), (one, prefix) => {
      const wide = widen(one, prefix);
      expect(contains(spanOf(wide), spanOf(one))).toBe(true);
      expect(wide.prefix).toBe(Math.min(prefix, one.prefix));
    }),
  );
});

test("IPv4 is never widened", () => {
  fc.assert(fc.property(ipv4, fc.nat(128), (one, prefix) => expect(widen(one, prefix)).toEqual(one)));
});

function ascending(numbers: number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}
