import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { binaryName, compile } from "../build/compile.ts";
import { ownWords } from "../build/own-words.ts";
import type { Target } from "../targets.ts";
import { bunLicense } from "./bun-license.ts";
import { bundledPackages, lockedPackage } from "./bundled.ts";
import { notices } from "./notices.ts";
import { runtimeOf, runtimes } from "./runtimes.ts";
import { sbom } from "./sbom.ts";
import { sha256, sums } from "./sums.ts";

const root = join(import.meta.dir, "../..");

/** What is released beside the binary as it stands in the project. */
const sources = ["install.sh", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];

/** The pages that the README points to, for servers that reach no web site. */
const documentation = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(md|yml|json)$/.test(name))
  .map((name) => `docs/${name}`)
  .toSorted();

/** What the program prints of its commands' own descriptions. */
export const manual = "fail2ban-cloudflare.8";
export const completions = {
  bash: "completions/fail2ban-cloudflare.bash",
  zsh: "completions/_fail2ban-cloudflare",
  fish: "completions/fail2ban-cloudflare.fish",
} as const;

/** A directory with all that a target's archive holds. */
export interface Stage {
  readonly target: Target;
  readonly directory: string;
  /** Paths below the directory, the same in the same order every time. */
  readonly files: readonly string[];
}

/** Builds the binary of a target and puts beside it what goes with it. */
export function stage(target: Target, directory: string, date: Date): Stage {
  mkdirSync(directory, { recursive: true });
  const runtime = lockedPackage(target.runtime, runtimes);
  const bundled = compile({ target, runtime: runtimeOf(target), directory });
  const contents = {
    packages: bundledPackages([...bundled.keys()]),
    bunVersion: pkg.devDependencies.bun,
    bun: bunLicense(),
  };
  const { name, version, license } = pkg;
  const sum = sha256(join(directory, binaryName));
  const bill = sbom({ ...contents, name, version, license, target, runtime, sum, date });

  const files = [binaryName];
  const place = (file: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), content);
    files.push(file);
  };
  for (const file of [...sources, ...documentation]) place(file, readFileSync(join(root, file)));
  place(manual, ownWords("manual"));
  for (const [shell, file] of Object.entries(completions)) place(file, ownWords("completions", shell));
  place("THIRD-PARTY-NOTICES.md", notices(contents));
  place("sbom.cdx.json", `${JSON.stringify(bill, null, 2)}\n`);
  place("SHA256SUMS", sums(directory, files));
  for (const file of files)
    chmodSync(join(directory, file), [binaryName, "install.sh"].includes(file) ? 0o755 : 0o644);
  return { target, directory, files };
}
