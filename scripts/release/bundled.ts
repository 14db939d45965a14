import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const root = join(import.meta.dir, "../..");
const modules = join(root, "node_modules");

/** A package of npm that is in the binary, as bun.lock pins it. */
export interface Bundled {
  readonly name: string;
  readonly version: string;
  /** An SPDX identifier. */
  readonly license: string;
  readonly homepage: string;
  /** "sha512-" and the sum of its tarball in base64. */
  readonly integrity: string;
}

/** A package with the words of its licence. */
export interface BundledSource extends Bundled {
  readonly licenseText: string;
  /** Other packages that its authors have copied into it. */
  readonly inlined: readonly { readonly name: string; readonly license: string }[];
}

/** What packages have copied into themselves, by the name of the file. An unknown one stops the release. */
const inlinedLicenses: Readonly<Record<string, string>> = { scule: "MIT" };

interface Manifest {
  readonly version: string;
  readonly license?: string;
  readonly homepage?: string;
}

/** The packages that the bundled files come from. */
export function bundledPackages(files: readonly string[]): readonly BundledSource[] {
  const ofPackages = files.filter((file) => file.startsWith("node_modules/"));
  const names = new Set(ofPackages.map(packageOf));
  return [...names].toSorted().map((name) => {
    const inlined = ofPackages.filter((file) => packageOf(file) === name && file.includes("/_chunks/libs/"));
    return {
      ...lockedPackage(name, modules),
      licenseText: licenseTextOf(name),
      inlined: inlined.map((file) => inlinedPackage(basename(file, ".mjs"))),
    };
  });
}

/** A package as it is installed, with the sum that bun.lock has for it. */
export function lockedPackage(name: string, directory: string): Bundled {
  const manifest = JSON.parse(readFileSync(join(directory, name, "package.json"), "utf8")) as Manifest;
  const lock = Bun.JSONC.parse(readFileSync(join(root, "bun.lock"), "utf8")) as {
    packages: Record<string, readonly unknown[]>;
  };
  const locked = lock.packages[name];
  const integrity = locked?.at(-1);
  if (locked?.[0] !== `${name}@${manifest.version}` || typeof integrity !== "string")
    throw new Error(`Cannot find ${name} ${manifest.version} in bun.lock`);
  if (manifest.license === undefined) throw new Error(`Cannot find the licence of ${name}`);
  const homepage = manifest.homepage ?? `https://www.npmjs.com/package/${name}`;
  return { name, version: manifest.version, license: manifest.license, homepage, integrity };
}

function inlinedPackage(name: string): { name: string; license: string } {
  const license = inlinedLicenses[name];
  if (license === undefined) throw new Error(`Cannot say the licence of ${name}, which a package has in it`);
  return { name, license };
}

function licenseTextOf(name: string): string {
  const [path] = globSync(join(modules, name, "LICEN[CS]E*"));
  if (path === undefined) throw new Error(`Cannot find the licence text of ${name}`);
  return readFileSync(path, "utf8").trim();
}

function packageOf(file: string): string {
  const [scope = "", name = ""] = file.slice("node_modules/".length).split("/");
  return scope.startsWith("@") ? `${scope}/${name}` : scope;
}
