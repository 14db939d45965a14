import { expect, test } from "bun:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { expanded, overlaps, parseAddress, readAddress, toBytes } from "../../src/core/address.ts";
import { quoted } from "../../src/core/text.ts";
import { Failure } from "../../src/errors.ts";
import {
  address,
  bytesOf,
  groups,
  ipv4Bytes,
  ipv6,
  meet,
  spanOf,
  spellings,
} from "../support/arbitraries.ts";

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["203.0.113.7/32", "203.0.113.7"],
  ["203.0.113.7/24", "203.0.113.0/24"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["2001:DB8:0:0:0:0:0:7", "2001:db8::7"],
  ["2001:db8::7/128", "2001:db8::7"],
  ["2001:db8:0:0:1:0:0:7", "2001:db8::1:0:0:7"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:db8::7/64", "2001:db8::/64"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["::ffff:cb00:7107", "203.0.113.7"],
  ["::ffff:203.0.113.7/120", "203.0.113.0/24"],
  ["::203.0.113.7", "::cb00:7107"],
  ["2001:db8::203.0.113.7", "2001:db8::cb00:7107"],
  ["::", "::"],
  ["::/0", "::/0"],
])("%s is %s in canonical form", (text, canonical) => {
  expect(parseAddress(text).text).toBe(canonical);
});

test.each([
  "",
  "203.0.113",
  "203.0.113.07",
  "203.0.113.256",
  "203.0.113.7/33",
  "203.0.113.7/",
  "203.0.113.7/-1",
  "203.0.113.7 ",
  "203.0.113.7\n",
  "0xcb.0.113.7",
  "3405803783",
  "2001:db8::7::1",
  "2001:db8::7/129",
  "2001:db8::7%eth0",
  "[2001:db8::7]",
  "::ffff:203.0.113.07",
  "::ffff:010.0.0.1",
  "::ffff:203.0.113.256",
  "2001:db8::203.0.113.7:1",
  "::ffff:0x7f.0.0.1",
  ":::",
  "1:2:3:4:5:6:7:8:9",
  "example.com",
  "٢٠٣.0.113.7",
])("%j is no address", (text) => {
  expect(readAddress(text)).toBeNull();
  expect(() => parseAddress(text)).toThrow(Failure);
});

test("canonical text reads as itself", () => {
  fc.assert(fc.property(address, (one) => expect(parseAddress(one.text)).toEqual(one)));
});

test("every spelling of an IPv6 address reads as the same text, the one of the URL standard", () => {
  const spelt = groups.chain((eight) => fc.tuple(fc.constant(eight), spellings(eight)));
  fc.assert(
    fc.property(spelt, ([eight, text]) => {
      const mapped = eight.slice(0, 5).every((group) => group === 0) && eight[5] === 0xffff;
      const plain = new URL(`http://[${eight.map((group) => group.toString(16)).join(":")}]`).hostname;
      const canonical = mapped ? bytesOf(eight.slice(6)).join(".") : plain.slice(1, -1);
      expect(readAddress(text)?.text).toBe(canonical);
    }),
    { numRuns: 1_000 },
  );
});

test("what is IPv6, and how it is written, is what ipaddr.js says too", () => {
  const digits = fc.string({ unit: fc.constantFrom("0", "1", "f", "A"), minLength: 0, maxLength: 5 });
  const nearly = fc.array(digits, { minLength: 2, maxLength: 9 }).map((parts) => parts.join(":"));
  const spelt = groups.chain(spellings).filter((text) => !text.includes("."));
  const read = { right: 0, wrong: 0 };
  fc.assert(
    fc.property(fc.oneof(nearly, spelt), (text) => {
      const right = ipaddr.IPv6.isValid(text);
      read[right ? "right" : "wrong"] += 1;
      if (!right) return expect(readAddress(text)).toBeNull();
      const known = ipaddr.IPv6.parse(text);
      const written = known.isIPv4MappedAddress() ? known.toIPv4Address() : known;
      return expect(readAddress(text)?.text).toBe(
        written instanceof ipaddr.IPv6 ? written.toRFC5952String() : written.toString(),
      );
    }),
    { numRuns: 3_000 },
  );
  expect(Math.min(read.right, read.wrong)).toBeGreaterThan(300);
});

test("an IPv4-mapped network is the IPv4 network, host bits cleared", () => {
  fc.assert(
    fc.property(ipv4Bytes, fc.nat(32), (bytes, prefix) => {
      const bare = bytes.join(".");
      expect(readAddress(`::ffff:${bare}/${96 + prefix}`)).toEqual(readAddress(`${bare}/${prefix}`));
    }),
  );
});

test("host bits make no difference, network bits do", () => {
  fc.assert(
    fc.property(address, fc.nat(127), (one, at) => {
      const bytes = toBytes(one);
      const bit = at % (bytes.length * 8);
      const flipped = bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7)));
      const bare = one.family === "inet4" ? flipped.join(".") : groupsOf(flipped).join(":");
      const other = readAddress(`${bare}/${one.prefix}`);
      fc.pre(other?.family === one.family);
      expect(other?.text === one.text).toBe(bit >= one.prefix);
    }),
  );
});

test("two networks overlap when they share an address", () => {
  fc.assert(
    fc.property(address, address, fc.boolean(), (one, other, near) => {
      const bare = one.text.split("/")[0] ?? "";
      // Two networks at random hardly ever meet; one around the other's first address often does.
      const second = near ? (readAddress(`${bare}/${other.prefix % (one.prefix + 1)}`) ?? other) : other;
      expect(overlaps(one, second)).toBe(meet(spanOf(one), spanOf(second)));
      expect(overlaps(second, one)).toBe(overlaps(one, second));
    }),
  );
});

test("the expanded form has eight groups of four digits and reads as the same address", () => {
  fc.assert(
    fc.property(ipv6, (one) => {
      expect(expanded(one)).toMatch(/^([0-9a-f]{4}:){7}[0-9a-f]{4}(\/\d+)?$/);
      expect(readAddress(expanded(one))).toEqual(one);
    }),
  );
});

test("any text is an address or a usage failure of one short line", () => {
  const nearly = fc.stringMatching(/^[0-9a-fA-F:.]{0,45}(\/[0-9]{0,4})?$/);
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), nearly), (text) => {
      try {
        expect(parseAddress(parseAddress(text).text).text).toBe(parseAddress(text).text);
      } catch (error) {
        expect(error).toBeInstanceOf(Failure);
        expect(String(error)).not.toMatch(/[\u0000-\u001f]/);
        expect(String(error).length).toBeLessThan(700);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a quoted value is one printable line of bounded length", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      expect(quoted(text)).toMatch(/^"[^\u0000-\u001f]*"$/);
      expect(quoted(text).length).toBeLessThanOrEqual(80 * 6 + 2);
    }),
  );
});

function groupsOf(bytes: readonly number[]): string[] {
  const pairs = bytes.flatMap((byte, index) =>
    index % 2 === 0 ? [(byte << 8) | (bytes[index + 1] ?? 0)] : [],
  );
  return pairs.map((pair) => pair.toString(16));
}
