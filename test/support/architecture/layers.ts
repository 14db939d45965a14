import type { Import } from "./imports.ts";

interface Layer {
  /** A file, or a directory with a slash at its end. */
  readonly of: string;
  /** What of ours it may import. */
  readonly may: readonly string[];
  /** Packages and Bun's own modules; those in `node:` are named apart. */
  readonly packages?: readonly string[];
  /** "pure": only those that touch nothing outside the process. */
  readonly node?: "all" | "pure";
}

const leaves = [
  "src/errors.ts",
  "src/secret.ts",
  "src/runtime.ts",
  "src/nearest.ts",
  "src/paths.ts",
  "src/wrapped.ts",
];
const texts = ["src/help.ts", "src/manual.ts"];
const commons = ["src/core/", "src/config.ts", "src/log.ts", ...leaves];
/** Texts of the configuration's settings, for the manual page. */
const settingTexts = ["src/config/meanings.ts", "src/config/setting-texts.ts"];
/** What the composition root puts together. */
const wired = [
  ...commons,
  "src/credential.ts",
  "src/intake-options.ts",
  "src/cloudflare/",
  "src/journal/",
  "src/fail2ban/",
  "package.json",
];
const edge = ["src/core/", "src/errors.ts", "src/runtime.ts", "src/secret.ts"];

/** The direction of design.md, section 5; a file belongs to the first layer that names it or its directory. */
const layers: readonly Layer[] = [
  { of: "src/index.ts", may: ["src/cli.ts", "src/runtime.ts", "src/this-machine.ts"], node: "all" },
  { of: "src/this-machine.ts", may: [], node: "all" },
  {
    of: "src/cli.ts",
    may: [...commons, ...texts, "src/commands/", "src/arguments.ts", "package.json"],
    packages: ["citty"],
    node: "pure",
  },
  {
    of: "src/commands/",
    may: [
      ...commons,
      "src/commands/",
      "src/wire.ts",
      "src/wire/",
      "src/credential.ts",
      "src/intake-options.ts",
      "src/manual.ts",
      ...settingTexts,
      "src/journal/",
      "src/fail2ban/",
      "package.json",
    ],
    packages: ["citty", "consola"],
    node: "all",
  },
  { of: "src/wire.ts", may: [...wired, "src/wire/"], node: "pure" },
  { of: "src/wire/", may: [...wired, "src/wire/"], node: "pure" },
  { of: "src/core/", may: ["src/core/", "src/errors.ts"], node: "pure" },
  { of: "src/cloudflare/", may: [...edge, "src/cloudflare/"], packages: ["@cloudflare/types"], node: "pure" },
  { of: "src/journal/", may: [...edge, "src/journal/"], packages: ["bun:sqlite"], node: "all" },
  { of: "src/fail2ban/", may: [...edge, "src/fail2ban/"], packages: ["bun:sqlite"], node: "all" },
  { of: "src/credential.ts", may: [...commons, "src/cloudflare/client.ts", "src/fail2ban/"], node: "all" },
  { of: "src/errors.ts", may: [] },
  { of: "src/secret.ts", may: [] },
  { of: "src/runtime.ts", may: [] },
  { of: "src/paths.ts", may: [] },
  { of: "src/nearest.ts", may: [], packages: ["fastest-levenshtein"] },
  { of: "src/wrapped.ts", may: [] },
  { of: "src/manual.ts", may: [], packages: ["citty"] },
  { of: "src/help.ts", may: [...leaves, "src/manual.ts", "package.json"] },
  { of: "src/log.ts", may: ["src/core/text.ts", ...leaves], packages: ["consola"], node: "all" },
  { of: "src/arguments.ts", may: commons, packages: ["citty"] },
  { of: "src/config.ts", may: [...commons, "src/config/"], node: "all" },
  { of: "src/config/", may: [...commons, "src/config/"], node: "all" },
  { of: "src/", may: commons, node: "all" },
];

const pureNode = new Set(["node:assert", "node:buffer", "node:path", "node:url", "node:util"]);

/** Why a file must not make an import; null: it may. `commands` are the files of the command table. */
export function importOffence(
  path: string,
  { target, typeOnly, dynamic }: Import,
  commands: ReadonlySet<string>,
): string | null {
  const layer = layers.find(({ of }) => isWithin(path, of));
  if (layer === undefined) return null;
  if (target === "package.json" || target.startsWith("src/")) {
    if (commands.has(path) && commands.has(target)) return `imports ${target}: a command knows no other`;
    if (layer.may.some((one) => isWithin(target, one))) return null;
    return `imports ${target}: against the direction of ${layer.of}`;
  }
  if (target.startsWith("@cloudflare/types") && !typeOnly) return `imports ${target} for more than its types`;
  const known = target.startsWith("node:")
    ? layer.node === "all" || (layer.node === "pure" && pureNode.has(target))
    : (layer.packages ?? []).some((name) => target === name || target.startsWith(`${name}/`));
  return known ? null : `imports ${target}${dynamic ? " when it runs" : ""}: not for ${layer.of}`;
}

function isWithin(path: string, of: string): boolean {
  return of.endsWith("/") ? path.startsWith(of) : path === of;
}
