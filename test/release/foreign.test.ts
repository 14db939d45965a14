import { describe, expect } from "bun:test";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import pkg from "../../package.json" with { type: "json" };
import { targetNamed } from "../../scripts/targets.ts";
import { endCouriers } from "../support/binary.ts";
import { writeConfiguration } from "../support/configuration.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { makeMuslLibrary, muslObstacle } from "../support/musl.ts";
import { mustRun, runProgram } from "../support/program.ts";
import { archiveName, releaseDirectory, releaseTest, unpacked } from "../support/release.ts";
import { tempRoot } from "../support/temp-root.ts";
import type { TempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

const muslArm64 = process.env["FAIL2BAN_CLOUDFLARE_MUSL_ARM64"] ?? "";

/** Would make a Bun of the binary. */
const hostile = { BUN_BE_BUN: "1", BUN_OPTIONS: "--revision" };

/** A ban, its delivery, and the same for its end, by a program that this command line runs. */
async function bansAndUnbans(command: readonly string[]): Promise<void> {
  using root = tempRoot();
  await using edge = fakeCloudflare();
  const config = writeConfiguration(root, edge);
  const run = (...words: readonly string[]) =>
    mustRun([...command, "--config", config, ...words], { env: hostile, deadlineMs: 60_000 });
  expect((await run("--version")).trim()).toBe(pkg.version);
  await run("ban", "2001:db8::7", "--jail", "test");
  await run("deliver", "--once");
  expect(edge.blocked()).toEqual(["2001:db8::7"]);
  await run("unban", "2001:db8::7", "--jail", "test");
  await run("deliver", "--once");
  expect(edge.blocked()).toEqual([]);
  await endCouriers(config);
}

releaseTest(
  "the binary for arm64 bans",
  {
    programs: ["qemu-aarch64"],
    obstacle: existsSync("/usr/aarch64-linux-gnu/lib/libc.so.6") ? null : "needs libc6-arm64-cross",
  },
  async () => {
    using archive = await unpacked(targetNamed("linux-arm64"));
    await bansAndUnbans(["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", archive.at(pkg.name)]);
  },
);

releaseTest(
  "the binary for arm64 with musl bans",
  {
    programs: ["qemu-aarch64", "aarch64-linux-gnu-ld", "readelf"],
    obstacle: muslArm64 === "" ? "needs FAIL2BAN_CLOUDFLARE_MUSL_ARM64" : muslObstacle("arm64"),
  },
  async () => {
    using archive = await unpacked(targetNamed("linux-arm64-musl"));
    using root = tempRoot();
    cpSync(muslArm64, root.at("musl"), { recursive: true, verbatimSymlinks: true });
    const library = root.at("musl/lib/aarch64-linux-musl/libstdc++.so.6");
    await makeMuslLibrary(root, "arm64", archive.at(pkg.name), library);
    await bansAndUnbans(["qemu-aarch64", "-L", root.at("musl"), archive.at(pkg.name)]);
  },
);

releaseTest("a CPU without AVX is enough", { programs: ["qemu-x86_64"] }, async () => {
  using archive = await unpacked(targetNamed("linux-x64"));
  await bansAndUnbans(["qemu-x86_64", "-cpu", "Nehalem", archive.at(pkg.name)]);
});

describe.each(["linux-x64", "linux-arm64"])("%s", (name) => {
  releaseTest("glibc 2.17, of 2012, is enough", { programs: ["readelf"] }, async () => {
    using archive = await unpacked(targetNamed(name));
    const needed = await mustRun(["readelf", "--version-info", "--wide", archive.at(pkg.name)]);
    const versions = [...needed.matchAll(/Name: GLIBC_([\d.]+)/g)].map(([, version]) => version ?? "");
    expect(versions.toSorted(Bun.semver.order).at(-1)).toBe("2.17");
  });
});

/** Busybox and musl, as Alpine has them, its package libstdc++, and nothing else. */
async function alpineLike(root: TempRoot, binary: string): Promise<void> {
  for (const directory of ["bin", "lib", "proc", "dev", "tmp", "root", "usr/lib"])
    mkdirSync(root.at(directory), { recursive: true });
  cpSync("/bin/busybox", root.at("bin/busybox"));
  cpSync("/lib/ld-musl-x86_64.so.1", root.at("lib/ld-musl-x86_64.so.1"), { dereference: true });
  await makeMuslLibrary(root, "x64", binary, root.at("usr/lib/libstdc++.so.6"));
  await mustRun(["chroot", root.path, "/bin/busybox", "--install", "-s", "/bin"]);
}

releaseTest(
  "the archive with musl installs itself and bans where there is busybox and no more",
  {
    programs: ["readelf", "ld", "as", "chroot", "unshare", "busybox"],
    obstacle: existsSync("/lib/ld-musl-x86_64.so.1") ? muslObstacle("x64") : "needs musl",
  },
  async () => {
    const target = targetNamed("linux-x64-musl");
    using archive = await unpacked(target);
    using root = tempRoot();
    await using edge = fakeCloudflare();
    await alpineLike(root, archive.at(pkg.name));
    cpSync(`${await releaseDirectory()}/${archiveName(target)}.tar.gz`, root.at("root/archive.tar.gz"));
    const config = writeConfiguration(root, edge, { under: "" });
    const inside = (...argv: readonly string[]) =>
      runProgram(
        [
          ...["unshare", "--mount", "sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'],
          ...[root.path, "/bin/env", "-i", "PATH=/bin", "BUN_BE_BUN=1", ...argv],
        ],
        { deadlineMs: 60_000 },
      );
    expect(await inside("tar", "-xzf", "/root/archive.tar.gz", "-C", "/root")).toMatchObject({ code: 0 });
    const script = `/root/${archiveName(target)}/install.sh`;
    expect(await inside(script, "--root", "/", "--no-jail")).toMatchObject({ code: 0 });
    const program = "/usr/local/bin/fail2ban-cloudflare";
    const ban = ["--config", config, "ban", "203.0.113.7", "--jail", "test", "--wait"];
    expect(await inside(program, ...ban)).toMatchObject({ code: 0, stderr: "" });
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
    await inside(program, "--config", config, "unban", "203.0.113.7", "--jail", "test");
    await until(() => edge.blocked().length === 0, { what: "the end of the ban", deadlineMs: 30_000 });
    await endCouriers(config);
  },
);
