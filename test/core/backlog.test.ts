import { expect, test } from "bun:test";
import { backlogDoneAt } from "../../src/core/backlog.ts";
import type { Backlog } from "../../src/core/backlog.ts";
import type { Pause } from "../../src/core/call-ledger.ts";

const now = 1_800_000_000_000;
const countedMs = 310_000;

const scope = (profile: string, credential: string) => ({ profile, credential, ours: 1 });

function backlog(changes: Partial<Backlog> = {}): Backlog {
  return {
    pending: new Map([["", 10]]),
    scopes: [scope("", "a")],
    pauses: [],
    slots: new Map([["a", [{ startAt: now, calls: 5 }]]]),
    budget: 20,
    ...changes,
  };
}

function pause(subject: string, changes: Partial<Pause> = {}) {
  return {
    subject,
    kind: "unavailable",
    reason: "",
    sinceAt: now,
    untilAt: now + 7_000,
    failures: 0,
    ...changes,
  } as const;
}

test.each([
  ["nothing is pending", { pending: new Map() }, null],
  ["the budget has room for all", {}, now],
  ["there is more than one window's worth", { pending: new Map([["", 16]]) }, now + countedMs],
  ["every network goes to two places", { scopes: [scope("", "a"), scope("", "a")] }, now + countedMs],
  ["a place could not be found", { scopes: [scope("", "a"), { ...scope("", "a"), ours: null }] }, now],
  [
    "two profiles share a credential",
    {
      pending: new Map([
        ["", 10],
        ["b", 10],
      ]),
      scopes: [scope("", "a"), scope("b", "a")],
    },
    now + countedMs,
  ],
  [
    "two profiles have a credential each",
    {
      pending: new Map([
        ["", 10],
        ["b", 10],
      ]),
      scopes: [scope("", "a"), scope("b", "b")],
    },
    now,
  ],
  ["nothing has been asked yet", { scopes: [], slots: new Map() }, now],
  ["Cloudflare asks for a pause", { pauses: [pause("credential:a")] }, now + 7_000],
  ["Cloudflare does not answer", { pauses: [pause("credential:a", { failures: 3 })] }, null],
  ["a place rejects us", { pauses: [pause("profile:/zone example.com", { kind: "rejected" })] }, null],
  ["another profile's place does", { pauses: [pause("profile:b/zone example.net")] }, now],
] satisfies readonly [string, Partial<Backlog>, number | null][])("when %s", (_, changes, doneAt) => {
  expect(backlogDoneAt(backlog(changes), now)).toBe(doneAt);
});
