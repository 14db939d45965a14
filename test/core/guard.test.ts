import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress } from "../../src/core/address.ts";
import type { Guard } from "../../src/core/guard.ts";
import { cloudflareRanges, ignoredBy, refuseUnsafe } from "../../src/core/guard.ts";
import { Failure } from "../../src/errors.ts";
import { address, meet, spanOf } from "../support/arbitraries.ts";

const guard: Guard = {
  own: ["198.51.100.200", "2001:db8::200"],
  ignore: [parseAddress("198.51.100.0/28"), parseAddress("2001:db8:1::/48")],
};

/** What refuses an address, by the sentence it is refused with. */
function verdict(text: string, by: Guard = guard): string {
  try {
    refuseUnsafe(parseAddress(text), by);
    return "fine";
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== "usage") throw error;
    return error.summary;
  }
}

test.each(["203.0.113.7", "198.51.100.199", "203.0.113.0/24", "2001:db8::7", "2001:db8:2::/64"])(
  "%s may be blocked",
  (text) => {
    expect(verdict(text)).toBe("fine");
  },
);

test.each([
  ["0.1.2.3", "this network"],
  ["10.0.0.0", "a private network"],
  ["10.255.255.255", "a private network"],
  ["100.64.0.1", "a carrier's private network"],
  ["127.0.0.53", "the loopback"],
  ["169.254.169.254", "link-local"],
  ["172.31.255.255", "a private network"],
  ["192.168.1.1", "a private network"],
  ["224.0.0.251", "multicast"],
  ["255.255.255.255", "Pseudo IPv4"],
  ["::ffff:10.0.0.1", "a private network"],
  ["::", "unspecified"],
  ["::1", "the loopback"],
  ["fd00::1", "a private network"],
  ["fe80::1", "link-local"],
  ["ff02::1", "multicast"],
  ["0.0.0.0/0", "Cloudflare"],
  ["::/0", "Cloudflare"],
  ["172.64.0.0", "realip"],
  ["172.71.255.255", "realip"],
  ["2a06:98c7:ffff::1", "realip"],
  ["198.51.100.200", "this machine's own address"],
  ["2001:db8::/64", "this machine's own address"],
])("%s is refused, and the message names %s", (text, says) => {
  expect(verdict(text)).toContain(says);
});

test("the machine's own address is named in canonical form, however the kernel writes it", () => {
  const by = { own: ["2001:0db8:0000:0000:0000:0000:0000:0200"], ignore: [] };
  expect(verdict("2001:db8::200", by)).toContain(": 2001:db8::200 is this machine's");
});

test.each(["172.63.255.255", "172.72.0.0", "11.0.0.0", "223.255.255.255", "2a06:98c8::1", "fec0::1"])(
  "%s just outside a range is fine",
  (text) => {
    expect(verdict(text)).toBe("fine");
  },
);

test("Cloudflare's refreshed ranges take the place of those built in", () => {
  const refreshed = { ...guard, cloudflare: ["203.0.113.0/28", "not a range"] };
  expect(verdict("203.0.113.7", refreshed)).toContain("realip");
  expect(verdict("172.64.0.1", refreshed)).toBe("fine");
});

test("an address of this machine that is written as IPv4 in IPv6 is refused as IPv4", () => {
  const own = { own: ["::ffff:203.0.113.7"], ignore: [] };
  expect(verdict("203.0.113.7", own)).toContain("this machine's own address");
  expect(verdict("203.0.113.8", own)).toBe("fine");
});

test("the address of an interface with a zone index that reads as none does no harm", () => {
  expect(verdict("203.0.113.7", { own: ["fe80::1%eth0", ""], ignore: [] })).toBe("fine");
});

test("whatever overlaps a range of Cloudflare is refused, and only with that reason", () => {
  const ranges = cloudflareRanges.map((range) => spanOf(parseAddress(range)));
  const inside = fc
    .tuple(fc.constantFrom(...cloudflareRanges), fc.nat(128))
    .map(([range, prefix]) =>
      parseAddress(`${range.split("/")[0]}/${prefix % (range.includes(":") ? 129 : 33)}`),
    );
  fc.assert(
    fc.property(fc.oneof(inside, address), (one) => {
      const overlap = ranges.some((range) => meet(range, spanOf(one)));
      expect(verdict(one.text, { own: [], ignore: [] }).includes("realip")).toBe(overlap);
    }),
    { numRuns: 500 },
  );
});

test("the entry of ignore that an address falls into overlaps it", () => {
  fc.assert(
    fc.property(fc.array(address, { maxLength: 4 }), address, (ignore, one) => {
      const overlapping = ignore.filter((entry) => meet(spanOf(entry), spanOf(one)));
      expect(ignoredBy(one, { own: [], ignore })).toEqual(overlapping[0]);
    }),
  );
});
