import type { Target } from "../targets.ts";
import type { Part } from "./bun-license.ts";
import type { Bundled } from "./bundled.ts";
import type { Contents } from "./notices.ts";

export interface SbomOptions extends Contents {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly target: Target;
  /** The package of the Bun that is in the binary. */
  readonly runtime: Bundled;
  /** SHA-256 sum of the binary, hexadecimal. */
  readonly sum: string;
  readonly date: Date;
}

/** What is in the binary, as a CycloneDX 1.6 document; https://cyclonedx.org/docs/1.6/json. */
export function sbom(options: SbomOptions): object {
  const { name, version, license, target, packages, runtime, bun, sum, date } = options;
  const main = `${name}@${version}`;
  const components = [
    ...packages.map((one) => ({
      ...npmComponent(one),
      type: "library",
      ...nested(one.inlined.map(({ name, license }) => part(`${reference(one)}#${name}`, name, license))),
    })),
    {
      ...npmComponent(runtime),
      type: "platform",
      description: "Bun's runtime: JavaScript engine, TLS, SQLite, HTTP client",
      pedigree: { notes: "Names of environment variables are taken out; nothing else is changed" },
      ...nested(bun.parts.map((one, index) => bunPart(`${reference(runtime)}#${index}`, one))),
    },
  ];
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(sum)}`,
    version: 1,
    metadata: {
      timestamp: date.toISOString(),
      lifecycles: [{ phase: "post-build" }],
      component: {
        "bom-ref": main,
        type: "application",
        name,
        version,
        licenses: [{ license: { id: license } }],
        hashes: [{ alg: "SHA-256", content: sum }],
        properties: [{ name: "target", value: target.name }],
      },
    },
    components,
    dependencies: [{ ref: main, dependsOn: components.map((one) => one["bom-ref"]) }],
  };
}

function npmComponent(one: Bundled) {
  return {
    "bom-ref": reference(one),
    name: one.name,
    version: one.version,
    purl: reference(one),
    licenses: [{ license: { id: one.license } }],
    hashes: [
      {
        alg: "SHA-512",
        content: Buffer.from(one.integrity.replace("sha512-", ""), "base64").toString("hex"),
      },
    ],
    externalReferences: [{ type: "website", url: one.homepage }],
  };
}

/** A "package URL": https://github.com/package-url/purl-spec. */
function reference({ name, version }: Bundled): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function bunPart(ref: string, { name, url, license }: Part) {
  return { ...part(ref, name, license), externalReferences: [{ type: "website", url }] };
}

function part(ref: string, name: string, license: string) {
  return { "bom-ref": ref, type: "library", name, licenses: [{ license: { name: license } }] };
}

function nested<T>(components: readonly T[]): { components?: readonly T[] } {
  return components.length === 0 ? {} : { components };
}

/** The same for the same binary: version 8 of RFC 9562, whose bits are the maker's. */
function uuidOf(sum: string): string {
  return `${sum.slice(0, 8)}-${sum.slice(8, 12)}-8${sum.slice(13, 16)}-a${sum.slice(17, 20)}-${sum.slice(20, 32)}`;
}
