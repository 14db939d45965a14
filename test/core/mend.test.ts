import { expect, test } from "bun:test";
import { parseAddress } from "../../src/core/address.ts";
import { wantedOnceMended } from "../../src/core/mend.ts";
import type { Wanted } from "../../src/core/journal.ts";

test("what one host does not ban any more stays wanted by another host's jail of the same name", () => {
  const want = (host: string): Wanted => ({
    ...{ profile: "", jail: "sshd", host, mode: "block", outside: false },
    ...{ address: "203.0.113.7", network: "203.0.113.7" },
  });
  const over = [{ profile: "", jail: "sshd", host: "web1", address: parseAddress("203.0.113.7") }];
  const difference = { missing: [], moved: [], over };
  expect(wantedOnceMended([want("web1"), want("web2")], difference)).toEqual([want("web2")]);
});
