import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Address } from "../../src/core/address.ts";
import { readAddress } from "../../src/core/address.ts";
import type { Hold, Holder } from "../../src/core/hold.ts";
import type { Held, HoldLedger, JailLedger } from "../../src/core/journal.ts";
import type { Fail2banBan } from "../../src/core/recover.ts";
import { compareHolds, recoverBans } from "../../src/core/recover.ts";
import { Failure } from "../../src/errors.ts";

const now = 1_800_000_000_000;

/** Only what recovery uses of a journal: jails that are known and what is held. */
function memoryHolds(jails: readonly string[]): HoldLedger & JailLedger & { readonly held: Hold[] } {
  const held: Hold[] = [];
  const of = ({ jail, host, profile }: Holder) =>
    held.filter((one) => one.jail === jail && one.host === host && one.profile === profile);
  return {
    held,
    hold: async (hold) => void held.push(hold),
    release: async () => [],
    flush: async () => {},
    defer: async () => {},
    shout: async () => null,
    know: async () => {},
    forget: async () => {},
    jails: async (host) =>
      host === "web1" ? jails.map((jail) => ({ jail, profile: "", mode: "block" as const })) : [],
    heldBy: async (holder) =>
      new Map(
        of(holder).map(({ address, untilAt }) => [address.text, { sinceAt: now, untilAt, released: false }]),
      ),
  };
}

function recover(ledger: HoldLedger & JailLedger, bans: readonly Fail2banBan[]): Promise<number> {
  const networksOf = (_: string, address: Address): readonly Address[] | null => {
    if (address.text === "198.51.100.1") return null;
    if (address.text === "198.51.100.2") throw new Failure("usage", "Refused");
    return [address];
  };
  return recoverBans(ledger, bans, { host: "web1", now, networksOf });
}

const lasting: Fail2banBan = { jail: "sshd", ip: "203.0.113.7", untilAt: now + 600_000, running: true };

test.each<[string, Partial<Fail2banBan>, number]>([
  ["that lasts", {}, 1],
  ["for ever", { untilAt: Number.POSITIVE_INFINITY }, 1],
  ["of an IPv6 address in long form", { ip: "2001:0DB8:0:0:0:0:0:7" }, 1],
  ["of a jail that is not ours", { jail: "postfix" }, 0],
  ["of a jail that was stopped", { running: false }, 0],
  ["that has ended", { untilAt: now - 1 }, 0],
  ["that is about to end", { untilAt: now + 4_999 }, 0],
  ["of no address", { ip: "$(id)" }, 0],
  ["of an address to ignore", { ip: "198.51.100.1" }, 0],
  ["of an address that is refused", { ip: "198.51.100.2" }, 0],
])("of a ban %s, recovery holds %#", async (_, change, count) => {
  const ledger = memoryHolds(["sshd"]);
  expect(await recover(ledger, [{ ...lasting, ...change }])).toBe(count);
  expect(ledger.held).toHaveLength(count);
});

const ban = fc.record({
  jail: fc.constantFrom("sshd", "nginx", "postfix"),
  ip: fc.oneof(
    fc.constantFrom("203.0.113.7", "::ffff:203.0.113.7", "2001:DB8::7", "2001:db8:0::7", "198.51.100.1", "x"),
    fc.string(),
  ),
  untilAt: fc.constantFrom(now - 1, now + 60_000, Number.POSITIVE_INFINITY),
  running: fc.boolean(),
});

test("recovery holds every running ban of our jails, however it is spelt, and doing it again holds nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(ban, { maxLength: 12 }), async (bans) => {
      const ledger = memoryHolds(["sshd", "nginx"]);
      await recover(ledger, bans);
      const keys = ledger.held.map(({ jail, address }) => `${jail} ${address.text}`);
      expect(new Set(keys)).toEqual(
        new Set(
          bans
            .filter(({ jail, running, untilAt }) => jail !== "postfix" && running && untilAt > now)
            .map(({ jail, ip }) => [jail, readAddress(ip)?.text] as const)
            .filter(([, text]) => text !== undefined && !text.startsWith("198.51.100."))
            .map((pair) => pair.join(" ")),
        ),
      );
      expect(ledger.held.every(({ untilAt }) => untilAt === null || Number.isFinite(untilAt))).toBe(true);
      expect(await recover(ledger, bans)).toBe(0);
    }),
  );
});

test.each<[string, Partial<Held>, Partial<Fail2banBan> | null, "moved" | "over" | null]>([
  ["that fail2ban bans to the same end", {}, {}, null],
  ["whose end is a few seconds off", {}, { untilAt: now + 640_000 }, null],
  ["that fail2ban bans for longer", {}, { untilAt: now + 6_000_000 }, "moved"],
  ["that fail2ban bans for ever", {}, { untilAt: Number.POSITIVE_INFINITY }, "moved"],
  ["for ever that fail2ban bans for ever", { untilAt: null }, { untilAt: Number.POSITIVE_INFINITY }, null],
  ["that fail2ban does not ban any more", {}, null, "over"],
  ["whose ban has ended", {}, { untilAt: now - 1 }, "over"],
  ["that was made a moment ago", { sinceAt: now - 59_000 }, null, null],
  ["that a flush has let go", { released: true }, null, null],
  ["whose ban is in a stopped jail", {}, { running: false, untilAt: now + 6_000_000 }, null],
])("a hold %s is told apart", async (_, held, banned, kind) => {
  const ledger: JailLedger = {
    know: async () => {},
    forget: async () => {},
    jails: async () => [],
    heldBy: async () =>
      new Map([["203.0.113.7", { sinceAt: now - 61_000, untilAt: now + 600_000, released: false, ...held }]]),
  };
  const jails = [{ jail: "sshd", profile: "", mode: "block" as const }];
  const bans = banned === null ? [] : [{ ...lasting, ...banned }];
  const options = { host: "web1", now, networksOf: (_: string, address: Address) => [address] };
  const known = await compareHolds(ledger, jails, { jails: new Set(["sshd"]), bans }, options);
  expect(Object.entries(known).flatMap(([name, found]) => (found.length > 0 ? [name] : []))).toEqual(
    kind === null ? [] : [kind],
  );
  const unknown = await compareHolds(ledger, jails, { jails: new Set(), bans }, options);
  expect(unknown.over).toEqual([]);
});
