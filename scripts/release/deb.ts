import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { packageTree, packageVersion } from "./package-tree.ts";
import { run } from "./run.ts";
import type { Stage } from "./stage.ts";

const templates = join(import.meta.dir, "../../packaging/deb");

/** Packs a stage for Debian, Ubuntu and their kin. */
export function deb(stage: Stage, cpu: string, output: string, date: Date): void {
  const tree = `${stage.directory}.deb`;
  const files = packageTree(stage, tree, "vendor-completions");
  const control = join(tree, "DEBIAN");
  mkdirSync(control, { mode: 0o755 });
  const place = (name: string, text: string, mode: number): void => {
    writeFileSync(join(control, name), text);
    chmodSync(join(control, name), mode);
  };
  const size = files.reduce((sum, file) => sum + statSync(join(tree, file)).size, 0);
  const fields = { VERSION: packageVersion(pkg.version), CPU: cpu, SIZE: String(Math.ceil(size / 1024)) };
  place("control", filled(readFileSync(join(templates, "control"), "utf8"), fields), 0o644);
  place("md5sums", files.map((file) => `${md5(join(tree, file))}  ${file}\n`).join(""), 0o644);
  for (const script of ["postinst", "prerm", "postrm"])
    place(script, readFileSync(join(templates, script), "utf8"), 0o755);
  const file = join(output, `${pkg.name}_${fields.VERSION}_${cpu}.deb`);
  run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z6", "--build", tree, file], {
    cwd: output,
    env: { SOURCE_DATE_EPOCH: String(date.getTime() / 1_000) },
  });
  rmSync(tree, { recursive: true });
}

function filled(template: string, fields: Readonly<Record<string, string>>): string {
  return template.replaceAll(/@([A-Z]+)@/g, (_, name: string) => fields[name] ?? "");
}

function md5(path: string): string {
  return new Bun.CryptoHasher("md5").update(readFileSync(path)).digest("hex");
}
