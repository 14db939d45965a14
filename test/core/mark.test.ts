import { expect, test } from "bun:test";
import fc from "fast-check";
import { isOurMark, mark, markedJail, plainName, stockJail } from "../../src/core/mark.ts";

test.each([
  ["sshd", "web1", "Fail2Ban sshd host:web1"],
  ["nginx-limit-req", "web1.example.com", "Fail2Ban nginx-limit-req host:web1.example.com"],
  ["a host:web2", "my web host:1", "Fail2Ban a host:web2 host:my-web-host:1"],
  ["<b>&\"'", "wéb", "Fail2Ban -b---- host:w-b"],
])("jail %s on %s is marked %s", (jail, host, text) => {
  expect(mark(jail, host)).toBe(text);
});

test.each([
  "Fail2Ban sshd",
  "Fail2Ban host:web1",
  "Fail2Ban sshd host:web10",
  "Fail2Ban sshd host:web1 ",
  "Fail2Ban sshd host:myweb1",
  "fail2ban sshd host:web1",
  "see Fail2Ban sshd host:web1",
  "Fail2Ban sshd host:web1 (checked by Ann)",
  "",
])("%j is no mark of web1", (text) => {
  expect(isOurMark(text, "web1")).toBe(false);
  expect(markedJail(text, "web1")).toBeNull();
});

test.each([
  ["Fail2Ban sshd", "sshd"],
  ["Fail2Ban my jail", "my jail"],
  ["Fail2Ban sshd host:web1", null],
  ["Fail2Ban ", null],
  ["fail2ban sshd", null],
  ["by Fail2Ban sshd", null],
])("%j is the stock action's note for jail %p", (text, jail) => {
  expect(stockJail(text)).toBe(jail);
});

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
const spaced = fc.stringMatching(/^[ab:. -]{1,12}$/);

test("a mark is its own host's, names the jail, and comes back from Cloudflare unchanged", () => {
  fc.assert(
    fc.property(fc.oneof(name, spaced), fc.oneof(name, spaced), (jail, host) => {
      const text = mark(jail, host);
      expect(text).toMatch(/^[A-Za-z0-9 ._:-]+$/);
      expect(isOurMark(text, host)).toBe(true);
      expect(markedJail(text, host)).toBe(plainName(jail));
    }),
  );
});

test("a mark is no other host's", () => {
  fc.assert(
    fc.property(spaced, spaced, spaced, (jail, host, other) => {
      fc.pre(mark("", host) !== mark("", other));
      expect(isOurMark(mark(jail, host), other)).toBe(false);
    }),
    { numRuns: 1_000, examples: [["sshd", "a host:b", "b"]] },
  );
});
