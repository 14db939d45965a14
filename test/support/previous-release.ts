import { readFileSync, writeFileSync } from "node:fs";
import { mustRun } from "./program.ts";
import { anotherCheckout, release } from "./release.ts";
import type { TempRoot } from "./temp-root.ts";

/** Below every version that there is. */
export const previousVersion = "0.0.1";

/** The same sources under a lower version, released for this machine: "dist/release" in the directory. */
export async function previousRelease(): Promise<TempRoot> {
  const root = anotherCheckout();
  const manifest = root.at("package.json");
  const text = readFileSync(manifest, "utf8").replace(
    /"version": "[^"]+"/,
    `"version": "${previousVersion}"`,
  );
  writeFileSync(manifest, text);
  const { HOME = "/" } = process.env;
  await mustRun([process.execPath, "install", "--frozen-lockfile"], { cwd: root.path, env: { HOME } });
  await release(root.path, { HOME, SOURCE_DATE_EPOCH: "1" }, "--target", "linux-x64");
  return root;
}
