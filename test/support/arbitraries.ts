import fc from "fast-check";
import type { Address, Family } from "../../src/core/address.ts";
import { fromBytes, width } from "../../src/core/address.ts";

/** A network as numbers, worked out without the code under test: its first address and how many it has. */
export interface Span {
  readonly family: Family;
  readonly first: bigint;
  readonly size: bigint;
}

/** The span of canonical text, read by the URL standard's own parser for IPv6 and by hand for IPv4. */
export function spanOf({ text, family, prefix }: Address): Span {
  const bare = text.split("/")[0] ?? "";
  const bits = BigInt(width(family));
  const first = family === "inet4" ? fromDotted(bare) : fromGroups(new URL(`http://[${bare}]`).hostname);
  return { family, first, size: 1n << (bits - BigInt(prefix)) };
}

/** Whether the two spans share an address. */
export function meet(a: Span, b: Span): boolean {
  return a.family === b.family && a.first < b.first + b.size && b.first < a.first + a.size;
}

/** Whether `outer` has every address of `inner`. */
export function contains(outer: Span, inner: Span): boolean {
  return (
    outer.family === inner.family &&
    outer.first <= inner.first &&
    inner.first + inner.size <= outer.first + outer.size
  );
}

const byte = fc.nat(255);
export const ipv4Bytes = fc.tuple(byte, byte, byte, byte);

/** Eight groups of an IPv6 address, many of them zero so that there is something to compress. */
export const groups = fc
  .tuple(
    fc.array(fc.oneof(fc.constant(0), fc.nat(15), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }),
    fc.oneof(fc.constant(0), fc.nat(8)),
    fc.constantFrom(null, 0, 0xffff),
  )
  .map(([eight, zeros, sixth]) =>
    eight.map((group, index) => (index === 5 && sixth !== null ? sixth : index < zeros ? 0 : group)),
  );

export const ipv4: fc.Arbitrary<Address> = fc
  .tuple(ipv4Bytes, fc.oneof(fc.constant(32), fc.nat(32)))
  .map(([bytes, prefix]) => made(bytes, prefix));

export const ipv6: fc.Arbitrary<Address> = fc
  .tuple(groups, fc.oneof(fc.constant(128), fc.nat(128)))
  .map(([eight, prefix]) => made(bytesOf(eight), prefix))
  // Those are IPv4 to us, and not what is asked for here.
  .filter(({ text, prefix }) => prefix < 96 || !text.startsWith("::ffff:"));

export const address: fc.Arbitrary<Address> = fc.oneof(ipv4, ipv6);

/** A way to write eight groups: upper or lower case, padded or not, any run of zeros left out, IPv4 at the end. */
export function spellings(eight: readonly number[]): fc.Arbitrary<string> {
  const runs = zeroRuns(eight);
  return fc
    .record({
      pads: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 8, maxLength: 8 }),
      upper: fc.boolean(),
      dotted: fc.boolean(),
      run: fc.option(fc.constantFrom(...(runs.length > 0 ? runs : [null]))),
    })
    .map(({ pads, upper, dotted, run }) => {
      const words = eight.map((group, index) => group.toString(16).padStart(pads[index] ?? 1, "0"));
      const [from, to] = run ?? [8, 8];
      const tail = bytesOf(eight.slice(6)).join(".");
      const last = dotted && to !== 8 && from < 6 && to <= 6 ? [tail] : words.slice(6);
      const full = [...words.slice(0, 6), ...last];
      const text =
        run === null
          ? [...words.slice(0, 6), ...(dotted ? [tail] : words.slice(6))].join(":")
          : `${words.slice(0, from).join(":")}::${full.slice(to).join(":")}`;
      return upper ? text.toUpperCase() : text;
    });
}

export function bytesOf(eight: readonly number[]): number[] {
  return eight.flatMap((group) => [group >> 8, group & 0xff]);
}

function made(bytes: readonly number[], prefix: number): Address {
  const address = fromBytes(bytes, prefix);
  if (address === null) throw new Error(`Not an address: ${bytes.join(".")}/${prefix}`);
  return address;
}

/** Every part of a run of zero groups, as [from, to). */
function zeroRuns(eight: readonly number[]): (readonly [from: number, to: number])[] {
  const indexes = eight.map((_, index) => index);
  return indexes.flatMap((from) =>
    [...indexes, 8]
      .filter((to) => to > from && eight.slice(from, to).every((group) => group === 0))
      .map((to) => [from, to] as const),
  );
}

function fromDotted(text: string): bigint {
  return text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function fromGroups(hostname: string): bigint {
  const [head = "", tail] = hostname.slice(1, -1).split("::");
  const [before, after] = [head, tail ?? ""].map((part) => part.split(":").filter((word) => word !== ""));
  const [left, right] = [before ?? [], after ?? []];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n);
}
