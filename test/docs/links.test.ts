import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { pages, readPage, root } from "../support/docs/pages.ts";

interface Link {
  readonly from: string;
  /** Path in the project, and "" or the heading's anchor. */
  readonly path: string;
  readonly anchor: string;
}

const links: readonly Link[] = pages.flatMap((from) =>
  [...readPage(from).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
    if (/^https:/.test(target)) return [];
    const [path = "", anchor = ""] = target.split("#");
    return [{ from, path: path === "" ? from : normalize(join(dirname(from), path)), anchor }];
  }),
);

test("every link within the documentation leads somewhere", () => {
  expect(links.length).toBeGreaterThan(40);
  const broken = links.filter(
    ({ path, anchor }) =>
      !existsSync(join(root, path)) || (anchor !== "" && !anchorsOf(readPage(path)).includes(anchor)),
  );
  expect(broken).toEqual([]);
});

test("every page is linked from the README, or from a page that is", () => {
  const reached = new Set(["README.md"]);
  for (const page of reached)
    for (const { from, path } of links) if (from === page && path.endsWith(".md")) reached.add(path);
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});

test("every message that troubleshooting quotes is one of the program's", () => {
  const quotedMessages = [...readPage("docs/troubleshooting.md").matchAll(/`((?:[A-Z]\w+ )[^`]+)`/g)].map(
    ([, message = ""]) => message,
  );
  expect(quotedMessages.length).toBeGreaterThan(5);
  const texts = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(root, "src", name), "utf8").replace(/\$\{[^}]*\}/g, "…"))
    .join("\n");
  const unknown = quotedMessages.filter((message) =>
    message
      .split(/"?…"?/)
      .map((part) => part.replace(/^[:; ]+|[:; ]+$/g, ""))
      .some((part) => part !== "" && !texts.includes(part)),
  );
  expect(unknown).toEqual([]);
});

/** As GitHub makes them of headings. */
function anchorsOf(page: string): readonly string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- ]/gu, "")
      .replaceAll(" ", "-"),
  );
}
