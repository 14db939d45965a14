/**
 * Counts a junit report together with the checks before it: `count.ts REPORT STATUS PASSED FAILED`. Names what was
 * skipped and what failed, and ends with "N passed, N failed". A runner that ended without a report, a test file that
 * is not in it, or a bad end without a failed test is a failure.
 */
import { Glob } from "bun";
import { join } from "node:path";

const root = join(import.meta.dir, "..");

const [path = "", status = "1", passedBefore = "0", failedBefore = "0"] = process.argv.slice(2);
const report = await Bun.file(path)
  .text()
  .catch(() => "");
const failures: string[] = [];
const skipped: string[] = [];
const files = new Set<string>();
let passed = 0;

// Bun escapes what stands in names and messages, so that only tags begin with "<".
for (const [, attributes = "", body = ""] of report.matchAll(
  /<testcase\b([^<>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
)) {
  const file = attribute(attributes, "file");
  const name = [file, attribute(attributes, "classname"), attribute(attributes, "name")]
    .filter((part) => part !== "")
    .join(" > ");
  files.add(file);
  if (/<(failure|error)\b/.test(body)) failures.push(name);
  else if (/<skipped\b/.test(body)) skipped.push(name);
  else passed += 1;
}

const inReport = failures.length;
if (files.size === 0) {
  failures.push(`the test runner ended with status ${status} and no report`);
} else {
  for (const file of new Glob("test/**/*.test.{ts,tsx,js}").scanSync(root)) {
    if (!files.has(file)) failures.push(`${file} > not in the report: it did not load, or has no test`);
  }
  if (status !== "0" && failures.length === 0)
    failures.push(`the test runner ended with status ${status} though no test failed`);
  if (status === "0" && inReport > 0)
    failures.push("the test runner ended with status 0 though a test failed");
}

for (const name of failures) console.log(`FAILED: ${name}`);
for (const name of skipped) console.log(`SKIPPED: ${name}`);
const failed = failures.length + Number(failedBefore);
const tail = skipped.length === 0 ? "" : `, ${skipped.length} skipped`;
console.log(`${passed + Number(passedBefore)} passed, ${failed} failed${tail}`);
process.exitCode = failed === 0 ? 0 : 1;

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  const plain = value.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"');
  return plain
    .replaceAll("&apos;", "'")
    .replaceAll(/&#\d+;/g, " ")
    .replaceAll("&amp;", "&");
}
