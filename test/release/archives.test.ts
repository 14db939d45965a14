import { expect, setDefaultTimeout, test } from "bun:test";
import addFormats from "ajv-formats";
import Ajv from "ajv";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { sha256 } from "../../scripts/release/sums.ts";
import { targets } from "../../scripts/targets.ts";
import { mustRun } from "../support/program.ts";
import { project, releaseDeadlineMs, releaseDirectory, unpacked } from "../support/release.ts";

setDefaultTimeout(releaseDeadlineMs);

const files = [
  "install.sh",
  "LICENSE",
  "README.md",
  "CHANGELOG.md",
  "THIRD-PARTY-NOTICES.md",
  "sbom.cdx.json",
];

/** sha256sum finds the sums right, and every other file of the directory is among them. */
async function checkSums(directory: string): Promise<void> {
  await mustRun(["sha256sum", "--check", "--strict", "SHA256SUMS"], { cwd: directory });
  const sums = readFileSync(join(directory, "SHA256SUMS"), "utf8");
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  const unnamed = names.filter(
    (name) => statSync(join(directory, name)).isFile() && !sums.includes(`  ${name}\n`),
  );
  expect(unnamed).toEqual(["SHA256SUMS"]);
}

test.each([...targets])("the archive of $name holds the binary and what goes with it", async (target) => {
  using archive = await unpacked(target);
  const mode = (file: string): string => (statSync(archive.at(file)).mode & 0o777).toString(8);
  expect([pkg.name, ...files].map(mode)).toEqual(["755", "755", "644", "644", "644", "644", "644"]);
  await checkSums(archive.directory);
  const links = [...readFileSync(archive.at("README.md"), "utf8").matchAll(/\]\(([^)#:]+)/g)];
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter(([, path = ""]) => !existsSync(archive.at(path)))).toEqual([]);
});

test("the release's own sums are right, and name every file", async () => {
  await checkSums(await releaseDirectory());
});

/** The official schema, as the CycloneDX project publishes it on npm. */
function cycloneDx(): (document: unknown) => unknown {
  const schemas = join(project, "node_modules/@cyclonedx/cyclonedx-library/res/schema");
  const read = (name: string): object =>
    JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), "utf8")) as object;
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  // Formats that ajv-formats does not know.
  ajv.addFormat("iri-reference", true).addFormat("idn-email", true);
  for (const name of ["spdx", "jsf-0.82"])
    ajv.addSchema(read(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  const validate = ajv.compile(read("bom-1.6"));
  return (document) => (validate(document) ? [] : validate.errors);
}

test.each([...targets])(
  "the bill of materials of $name is valid, and names what the bundler took and the Bun of the target",
  async (target) => {
    const validate = cycloneDx();
    expect(validate({})).not.toEqual([]);
    using archive = await unpacked(target);
    const text = readFileSync(archive.at("sbom.cdx.json"), "utf8");
    const bill = JSON.parse(text) as {
      components: { name: string; version: string }[];
      metadata: { component: { hashes: { content: string }[] } };
    };
    expect(validate(bill)).toEqual([]);
    expect(bill.components.map(({ name, version }) => `${name}@${version}`)).toEqual([
      ...Object.entries(pkg.dependencies).map(([name, version]) => `${name}@${version}`),
      `${target.runtime}@${pkg.devDependencies.bun}`,
    ]);
    expect(text).toContain('"JavaScriptCore"');
    expect(bill.metadata.component.hashes[0]?.content).toBe(sha256(archive.at(pkg.name)));
  },
);

test("the notices have the licence of everything in the binary", async () => {
  using archive = await unpacked(targets[0]);
  const notices = readFileSync(archive.at("THIRD-PARTY-NOTICES.md"), "utf8");
  const named = Object.entries(pkg.dependencies).map(([name, version]) => `## ${name} ${version} (MIT)\n`);
  expect(named.filter((heading) => !notices.includes(heading))).toEqual([]);
  expect(notices.match(/Permission is hereby granted/g)?.length).toBeGreaterThanOrEqual(named.length);
  expect(notices).toContain(`## Bun ${pkg.devDependencies.bun}\n`);
  expect(notices).toContain("LGPL-2");
});
