import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What Bun has in itself. */
export interface Part {
  readonly name: string;
  readonly url: string;
  readonly license: string;
}

export interface BunLicense {
  /** Bun's own page on its licences, of the version that is built in. */
  readonly text: string;
  readonly parts: readonly Part[];
}

/** The one part that the page names in a sentence. */
const javaScriptCore: Part = {
  name: "JavaScriptCore",
  url: "https://github.com/oven-sh/webkit",
  license: "LGPL-2",
};

const page = join(import.meta.dir, "../../node_modules/bun-types/docs/project/license.mdx");

export function bunLicense(): BunLicense {
  const text = readFileSync(page, "utf8")
    .replace(/^---\n[\s\S]*?\n---\n/, "")
    .trim();
  const rows = text.matchAll(/^\|[^[|]*\[`?([^`\]]+)`?\]\((\S+?)\)([^|]*)\|\s*([^|]+?)\s*\|$/gm);
  const listed = [...rows].map(([, name = "", url = "", , license = ""]) => ({
    name,
    url,
    license: license.replace(/\[([^\]]+)\]\(\S+?\)/g, "$1"),
  }));
  // Bun links about thirty libraries and embeds as many polyfills; far fewer means that the page has another form now.
  if (listed.length < 40 || !text.includes(javaScriptCore.license))
    throw new Error(`Cannot read Bun's licences in "${page}"`);
  return { text, parts: [javaScriptCore, ...listed] };
}
