import { pages, readPage } from "./pages.ts";

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  readonly line: number;
  /** What stands behind the fence: "sh", "toml" …; "" for nothing. */
  readonly language: string;
  readonly text: string;
}

export interface DocumentedCommand {
  readonly page: string;
  readonly line: number;
  /** Without its comment. */
  readonly command: string;
}

/** Every fenced block of the documentation, page by page. */
export const blocks: readonly Block[] = pages.flatMap((page) =>
  [...readPage(page).matchAll(/^( *)```(.*)\n([^]*?)^\1```$/gm)].map(
    ({ index, 1: indent = "", 2: language = "", 3: text = "" }) => ({
      page,
      line: readPage(page).slice(0, index).split("\n").length,
      language,
      text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    }),
  ),
);

/** Every command that a page tells somebody to type, or cron to run. */
export const documentedCommands: readonly DocumentedCommand[] = blocks.flatMap(
  ({ page, line, language, text }) => {
    if (!["sh", "console", "cron"].includes(language)) return [];
    return text
      .replaceAll(/\\\n\s*/g, "")
      .split("\n")
      .map((one) =>
        one
          .replace(/(^|\s)#.*/, "")
          .replace(/^\$ /, "")
          .trim(),
      )
      .map((one) => (language === "cron" ? one.replace(/^(\S+ ){5}root /, "") : one))
      .flatMap((command) => (command === "" ? [] : [{ page, line, command }]));
  },
);
