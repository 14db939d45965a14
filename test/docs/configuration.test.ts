import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { generated } from "../../scripts/docs/generated.ts";
import { commandTexts } from "../../src/cli.ts";
import { manualPage } from "../../src/commands/manual/page.ts";
import { loadConfig } from "../../src/config.ts";
import { settingTexts } from "../../src/config/setting-texts.ts";
import { mainSettings } from "../../src/config/settings.ts";
import { configurationFile } from "../../src/fail2ban/files.ts";
import { testRuntime } from "../support/runtime.ts";
import { tempRoot } from "../support/temp-root.ts";

const root = join(import.meta.dir, "../..");
const texts = settingTexts();

test.each([...generated()])("%s is what the schema says", (path, text) => {
  expect(readFileSync(join(root, path), "utf8")).toBe(text);
});

test("every setting has its text, and only a setting has one", () => {
  expect(texts.map(({ key }) => key)).toEqual(Object.keys(mainSettings));
});

test("the manual page has every setting", async () => {
  const page = manualPage(await commandTexts({ runtime: testRuntime(), configPath: "/nonexistent" }));
  for (const { key } of texts) expect(page).toContain(`\n.BR ${key} `);
});

test("the configuration to begin with holds for itself, and shows the defaults", () => {
  using temporary = tempRoot();
  const load = (text: string) => {
    temporary.write("config.toml", text);
    return loadConfig(testRuntime(), temporary.at("config.toml"));
  };
  const before = load("");
  const skeleton = configurationFile([], []);
  expect(load(skeleton)).toEqual(before);
  const shown = skeleton.match(/^#\w+ = .*/gm)?.map((line) => line.slice(1)) ?? [];
  const defaults = texts.filter(({ key }) => "fallback" in mainSettings[key as keyof typeof mainSettings]);
  const lines = shown.filter((line) => defaults.some(({ key }) => line.startsWith(`${key} = `)));
  // A list's are refused without one.
  const ofLists = lines.filter((line) => /^(list|capacity) /.test(line));
  expect(ofLists).toHaveLength(2);
  expect(load(lines.filter((line) => !ofLists.includes(line)).join("\n"))).toEqual(before);
  const list = load('backend = "list"\naccount = "a"').profiles.get("")?.list;
  expect(load(`backend = "list"\naccount = "a"\n${ofLists.join("\n")}`).profiles.get("")?.list).toEqual(list);
});

test.each(texts.map(({ key, example }) => [key, example] as const))(
  "the example of %s is taken, but for what has to stand beside it",
  (key, example) => {
    using temporary = tempRoot();
    const beside: Readonly<Record<string, string>> = {
      email: 'api_key_file = "/etc/fail2ban-cloudflare/key"\n',
      api_key_file: 'email = "you@example.com"\n',
      api_key: 'email = "you@example.com"\n',
      list: 'backend = "list"\naccount = "a"\n',
      capacity: 'backend = "list"\naccount = "a"\n',
      fleet: 'journal = "postgres://db.example.com"\n',
      jails: "[profiles.client-a]\n",
    };
    temporary.write("config.toml", `${beside[key] ?? ""}${example}\n`);
    expect(() => loadConfig(testRuntime(), temporary.at("config.toml"))).not.toThrow();
  },
);
