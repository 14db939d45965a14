import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { binaryName } from "../build/compile.ts";
import { completions, manual } from "./stage.ts";
import type { Stage } from "./stage.ts";

/** Where a package has its documents. */
export const documents = `usr/share/doc/${binaryName}`;

/** Where files of a stage stand on a system that has the package; `zsh` differs between distributions. */
function placesOf(zsh: string): Readonly<Record<string, string>> {
  return {
    [binaryName]: `usr/bin/${binaryName}`,
    [manual]: `usr/share/man/man8/${manual}`,
    [completions.bash]: `usr/share/bash-completion/completions/${binaryName}`,
    [completions.zsh]: `usr/share/zsh/${zsh}/_${binaryName}`,
    [completions.fish]: `usr/share/fish/vendor_completions.d/${binaryName}.fish`,
    LICENSE: `${documents}/copyright`,
  };
}

/** Lays a package's files below a directory; returns their paths there. */
export function packageTree({ directory, files }: Stage, tree: string, zsh: string): readonly string[] {
  const documented = files.filter((file) => /\.(md|json|yml)$/.test(file));
  const places = [
    ...Object.entries(placesOf(zsh)).filter(([file]) => files.includes(file)),
    ...documented.map((file) => [file, `${documents}/${file}`] as const),
  ];
  for (const [file, place] of places) {
    mkdirSync(join(tree, dirname(place)), { recursive: true });
    copyFileSync(join(directory, file), join(tree, place));
    chmodSync(join(tree, place), file === binaryName ? 0o755 : 0o644);
  }
  for (const name of ["", ...readdirSync(tree, { recursive: true, encoding: "utf8" })]) {
    // Whatever the umask was.
    if (lstatSync(join(tree, name)).isDirectory()) chmodSync(join(tree, name), 0o755);
  }
  return places.map(([, place]) => place);
}

/** "~" sorts before the end: 1.0.0~rc.1 comes before 1.0.0, for dpkg as for rpm. */
export function packageVersion(version: string): string {
  return version.replace("-", "~");
}
