import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { documents, packageTree, packageVersion } from "./package-tree.ts";
import { run } from "./run.ts";
import type { Stage } from "./stage.ts";

const spec = join(import.meta.dir, "../../packaging/rpm/fail2ban-cloudflare.spec");

/** Packs a stage for Fedora, RHEL and their kin. */
export function rpm(stage: Stage, cpu: string, output: string, date: Date): void {
  const work = `${stage.directory}.rpm`;
  const tree = join(work, "tree");
  const files = packageTree(stage, tree, "site-functions");
  mkdirSync(join(work, "top"));
  // Else they would stay behind, empty.
  const directories = new Set(
    files.map((file) => dirname(file)).filter((path) => path.startsWith(documents)),
  );
  const list = [...[...directories].map((path) => `%dir /${path}`), ...files.map((file) => `/${file}`)];
  writeFileSync(join(work, "files"), `${list.join("\n")}\n`);
  const defines = {
    _topdir: join(work, "top"),
    _rpmdir: output,
    _rpmfilename: "%{name}-%{version}-%{release}.%{arch}.rpm",
    _docdir: "/usr/share/doc",
    _binary_payload: "w6.gzdio",
    // The same bytes on another machine and at another time.
    _buildhost: "localhost",
    use_source_date_epoch_as_buildtime: "1",
    clamp_mtime_to_source_date_epoch: "1",
    version: packageVersion(pkg.version),
    tree,
    list: join(work, "files"),
  };
  const options = Object.entries(defines).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
  run(["rpmbuild", "-bb", "--quiet", "--target", `${cpu}-linux`, ...options, spec], {
    cwd: work,
    // No macros of whoever builds.
    env: { SOURCE_DATE_EPOCH: String(date.getTime() / 1_000), HOME: work },
  });
  rmSync(work, { recursive: true });
}
