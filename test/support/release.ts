import { test } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import type { Target } from "../../scripts/targets.ts";
import { mustRun, systemPath } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import type { TempRoot } from "./temp-root.ts";

export const project = join(import.meta.dir, "../..");

/** A release takes some seconds per target, and longer beside other tests. */
export const releaseDeadlineMs = 600_000;

export interface Needs {
  /** Programs that not every machine has. */
  readonly programs?: readonly string[];
  /** What else is in the way; null: nothing. */
  readonly obstacle?: string | null;
}

/** A test that not every machine can run; where it cannot, it is skipped, and its name says why. */
export function releaseTest(
  name: string,
  { programs = [], obstacle = null }: Needs,
  run: () => Promise<void>,
): void {
  const missing = programs.filter((program) => Bun.which(program, { PATH: systemPath }) === null);
  const reason = obstacle ?? (missing.length === 0 ? null : `needs ${missing.join(", ")}`);
  if (reason === null) return test(name, run, releaseDeadlineMs);
  console.warn(`SKIPPED: ${name}: ${reason}`);
  test.skip(`${name} (${reason}: use scripts/test.sh)`, run);
}

let directory: Promise<string> | null = null;

/** What `bun run release` makes of all targets: FAIL2BAN_CLOUDFLARE_RELEASE, else built once. */
export function releaseDirectory(): Promise<string> {
  directory ??= find();
  return directory;
}

async function find(): Promise<string> {
  const given = process.env["FAIL2BAN_CLOUDFLARE_RELEASE"];
  if (given !== undefined && given !== "") return given;
  await release(project, { HOME: process.env["HOME"] ?? "/" });
  return join(project, "dist/release");
}

/** Runs scripts/release.ts of a project; `env` beside what it needs. */
export async function release(
  root: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<void> {
  await mustRun([process.execPath, join(root, "scripts/release.ts"), ...args], {
    env: { PATH: systemPath, ...env },
    deadlineMs: releaseDeadlineMs,
  });
}

export function archiveName({ name }: Target): string {
  return `${pkg.name}-${pkg.version}-${name}`;
}

/** A target's archive, unpacked. */
export interface Unpacked extends Disposable {
  readonly directory: string;
  at(file: string): string;
}

export async function unpacked(target: Target): Promise<Unpacked> {
  const root = tempRoot();
  await mustRun([
    "tar",
    "-xzf",
    join(await releaseDirectory(), `${archiveName(target)}.tar.gz`),
    "-C",
    root.path,
  ]);
  const directory = root.at(archiveName(target));
  return { directory, at: (file) => join(directory, file), [Symbol.dispose]: () => root[Symbol.dispose]() };
}

/** The project in another directory, without what was built or installed in it. */
export function anotherCheckout(): TempRoot {
  const root = tempRoot();
  const left = ["node_modules", "dist", ".git", "test"].map((name) => join(project, name));
  rmSync(root.path, { recursive: true });
  cpSync(project, root.path, { recursive: true, filter: (path) => !left.includes(path) });
  return root;
}
