import { expect, test } from "bun:test";
import { examine, ok, warn } from "../../src/commands/doctor/check.ts";
import type { Check, Finding, Report } from "../../src/commands/doctor/check.ts";
import { hostOf } from "../../src/commands/doctor/host.ts";
import { json, lines, verdictOf } from "../../src/commands/doctor/print.ts";
import { Failure } from "../../src/errors.ts";
import { testRuntime } from "../support/runtime.ts";

const fine: Check = { name: "fine", run: () => [ok("All is well")] };

/** What comes of these checks, each as "state check: what"; the deadline is over in a moment. */
async function outcome(...checks: readonly Check[]): Promise<string[]> {
  const runtime = testRuntime({ sleep: () => Bun.sleep(50) });
  await using host = hostOf(runtime, "/nonexistent");
  return (await examine(checks, host)).map(({ check, state, what }) => `${state} ${check}: ${what}`);
}

test("a check that fails by itself is a finding, and the others go on", async () => {
  const broken: Check = {
    name: "broken",
    run() {
      throw new TypeError("x is not a function");
    },
  };
  expect(await outcome(broken, fine)).toEqual([
    "bad broken: The check failed by itself: TypeError: x is not a function",
    "ok fine: All is well",
  ]);
});

test("a check that never ends is given up, and the others go on", async () => {
  const hanging: Check = { name: "hanging", run: () => new Promise<Finding[]>(() => {}) };
  expect(await outcome(hanging, fine)).toEqual(["bad hanging: No answer in 60 s", "ok fine: All is well"]);
});

test("a failure that several checks meet is said once, by the first of them", async () => {
  const failure = new Failure("unavailable", "Cannot find fail2ban");
  const meeting = (name: string): Check => ({ name, run: () => Promise.reject(failure) });
  expect(await outcome(meeting("one"), fine, meeting("two"))).toEqual([
    "bad one: Cannot find fail2ban",
    "ok fine: All is well",
  ]);
});

const report = (finding: Finding): Report => ({ check: "a", ...finding });

test.each<[Finding["state"][], Finding["state"]]>([
  [[], "ok"],
  [["ok", "ok"], "ok"],
  [["ok", "warn"], "warn"],
  [["warn", "bad", "ok"], "bad"],
])("of %j the verdict is %s", (states, verdict) => {
  expect(verdictOf(states.map((state) => report({ ...ok("x"), state })))).toBe(verdict);
});

test("the JSON has a version, and the shape that is documented", () => {
  expect(JSON.parse(json([report(ok("Well")), report(warn("Not so", "why", "how"))]))).toEqual({
    version: 1,
    verdict: "warn",
    findings: [
      { check: "a", state: "ok", what: "Well", why: null, mend: null },
      { check: "a", state: "warn", what: "Not so", why: "why", mend: "how" },
    ],
  });
});

test("what a program said cannot forge a line", () => {
  expect(lines([report(warn("a\n✓ b", "c", "d\re"))])).toEqual(["! a  a\\u000a✓ b: c", "     → d\\u000de"]);
});
