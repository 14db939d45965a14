import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sourceDate } from "../../scripts/release/date.ts";
import { mustRun } from "../support/program.ts";
import { anotherCheckout, release, releaseDirectory, releaseTest } from "../support/release.ts";

releaseTest(
  "the same sources give the same release in another directory and at another time",
  { programs: ["git", "dpkg-deb", "rpmbuild"] },
  async () => {
    const first = await releaseDirectory();
    using elsewhere = anotherCheckout();
    const { HOME = "/" } = process.env;
    await mustRun([process.execPath, "install", "--frozen-lockfile"], { cwd: elsewhere.path, env: { HOME } });
    await release(elsewhere.path, {
      HOME,
      TZ: "Pacific/Kiritimati",
      LANG: "C.UTF-8",
      LC_ALL: "C.UTF-8",
      USER: "somebody",
      NODE_ENV: "development",
      SOURCE_DATE_EPOCH: String(sourceDate().getTime() / 1_000),
    });
    const sums = (directory: string): string => readFileSync(join(directory, "SHA256SUMS"), "utf8");
    expect(sums(elsewhere.at("dist/release"))).toBe(sums(first));
  },
);
