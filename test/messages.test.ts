import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { failuresIn } from "./support/failures.ts";
import type { WrittenFailure } from "./support/failures.ts";

const root = join(import.meta.dir, "..");
const written = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .toSorted()
  .flatMap((name) => {
    const path = `src/${name}`;
    return failuresIn(readFileSync(join(root, path), "utf8")).map((failure) => ({ path, ...failure }));
  });

const textOf = ({ message, hint }: WrittenFailure) => (hint === null ? message : `${message} (${hint})`);

test("every error text of the program, to be read in one place", () => {
  expect(written.length).toBeGreaterThan(60);
  expect(
    written.map((failure) => `${failure.path}: ${failure.kind}: ${textOf(failure)}`).join("\n"),
  ).toMatchSnapshot();
});

test("messages are one sentence without a period, and beg for nothing", () => {
  const bad = written.filter(
    ({ message, hint }) =>
      /^[a-z](?!ail2ban|ginx)|[.!]$|\n/.test(message) ||
      /please|sorry|n't\b|!|\n/i.test(`${message} ${hint ?? ""}`),
  );
  expect(bad).toEqual([]);
});

/** What a message without a hint already says by itself: what would be right. */
const saysItself = [
  "neither 0 nor 1",
  "neither inet4 nor inet6",
  "nor -1 for ever",
  'only letters, digits, "-" and "_"',
];

/** Passed on from another failure, whose remedy comes with it. */
const passesOn = /^\{|^\$\{\w+\.message\}|: \$\{error\.message\}$/;

/** What Cloudflare does not answer is tried again by itself, and what it refuses is parked, with its reason. */
const needsNobody = ({ path, kind }: { readonly path: string; readonly kind: string }) =>
  (path.startsWith("src/cloudflare/") || path === "src/core/gate.ts") &&
  ["unavailable", "refused"].includes(kind);

test("every message says what to do next, but where nobody has to do anything", () => {
  const silent = written.filter(
    (failure) =>
      failure.hint === null &&
      !passesOn.test(failure.message) &&
      !saysItself.some((end) => failure.message.endsWith(end)) &&
      !needsNobody(failure),
  );
  expect(silent.map(({ path, line, message }) => `${path}:${line}: ${message}`)).toEqual([]);
});

test("a failure is read from a source whatever its text holds", () => {
  const source =
    'throw new Failure("usage", `a ${b("}`")} (c, d)`, { hint: x ? "y" : `z ${"w"}`, cause: e });\n\nnew Failure(kind, reason)';
  expect(failuresIn(source)).toEqual([
    { line: 1, kind: "usage", message: 'a ${b("}`")} (c, d)', hint: '{x ? "y" : `z ${"w"}`}' },
    { line: 3, kind: "{kind}", message: "{reason}", hint: null },
  ]);
});
