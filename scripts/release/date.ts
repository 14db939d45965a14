import { join } from "node:path";

/** What everything in a release is dated with: SOURCE_DATE_EPOCH, else the time of the last commit. */
export function sourceDate(): Date {
  const { SOURCE_DATE_EPOCH } = process.env;
  const seconds = SOURCE_DATE_EPOCH ?? lastCommit();
  if (!/^\d+$/.test(seconds))
    throw new Error("Cannot date the release: set SOURCE_DATE_EPOCH, or build in a clone");
  return new Date(Number(seconds) * 1_000);
}

function lastCommit(): string {
  const { stdout } = Bun.spawnSync(["git", "log", "-1", "--format=%ct"], {
    cwd: join(import.meta.dir, "../.."),
  });
  return stdout.toString().trim();
}
