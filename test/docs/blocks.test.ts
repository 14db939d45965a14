import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseCommandLine } from "../../src/arguments.ts";
import { commandTexts } from "../../src/cli.ts";
import { loadConfig } from "../../src/config.ts";
import { blocks, documentedCommands } from "../support/docs/blocks.ts";
import { excuses } from "../support/docs/excuses.ts";
import { pages, readPage, root } from "../support/docs/pages.ts";
import { testRuntime } from "../support/runtime.ts";
import { tempRoot } from "../support/temp-root.ts";

const languages = ["sh", "console", "cron", "ini", "json", "sql", "text", "toml"];
const commands = await commandTexts({ runtime: testRuntime(), configPath: "/nonexistent" });

test("every fenced block says what it is, so that no command hides in one", () => {
  expect(blocks.length).toBeGreaterThan(15);
  expect(blocks.filter(({ language }) => !languages.includes(language))).toEqual([]);
});

test("every excuse is of a command that is documented, and names a test that there is", () => {
  const documented = documentedCommands.map(({ command }) => command);
  const idle = Object.entries(excuses).filter(
    ([command, { test: path }]) =>
      !documented.includes(command) || (path !== null && !existsSync(join(root, path))),
  );
  expect(idle).toEqual([]);
});

test.each(
  blocks.filter(({ language }) => language === "toml").map(({ page, line, text }) => [page, line, text]),
)("the configuration in %s, line %d, is one that the program takes", (_page, _line, text) => {
  using temporary = tempRoot();
  temporary.write("config.toml", String(text), 0o600);
  expect(() => loadConfig(testRuntime(), temporary.at("config.toml"))).not.toThrow();
});

/** Command lines of ours that stand within a sentence or a table. */
const inline = pages.flatMap((page) =>
  [...readPage(page).matchAll(/`(?:fail2ban-cloudflare) ([a-z][^`]*)`/g)].map(
    ([, line = ""]) => [page, line] as const,
  ),
);

test.each(inline)("%s: %j is a command line that the program takes", (_, line) => {
  const [name = "", ...words] = (line.split(/ [|>&]/)[0] ?? "").split(" ");
  const command = commands.find((one) => one.name === name);
  if (command === undefined) throw new Error(`There is no command "${name}"`);
  const options = command.options.map((option) => [
    option.name.replace(/^--/, ""),
    { type: option.value === null ? "boolean" : "string" } as const,
  ]);
  const positional = command.words.map((word) => [
    word.name,
    { type: "positional", required: false } as const,
  ]);
  const definition = Object.fromEntries([...positional, ...options]);
  expect(() => parseCommandLine(name, words, definition)).not.toThrow();
});
