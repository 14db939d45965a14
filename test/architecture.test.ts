import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pkg from "../package.json" with { type: "json" };
import { importsOf } from "./support/architecture/imports.ts";
import type { Rules } from "./support/architecture/offences.ts";
import { mostLines, offences } from "./support/architecture/offences.ts";
import { tokensOf } from "./support/architecture/tokens.ts";

const rules: Rules = {
  long: {},
  any: { "src/cli.ts": "citty's table of sub-commands is typed so; see there" },
};

const root = join(import.meta.dir, "..");
const sources = new Map(
  readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [`src/${name}`, readFileSync(join(root, "src", name), "utf8")]),
);

test("the sources keep to the layout of design.md", () => {
  expect(sources.size).toBeGreaterThan(40);
  expect(offences(sources, rules)).toEqual([]);
});

test("every exception is still needed", () => {
  const short = Object.keys(rules.long).filter(
    (path) => (sources.get(path) ?? "").split("\n").length - 1 <= mostLines,
  );
  expect(short).toEqual([]);
  expect(offences(sources, { ...rules, any: {} }).length).toBe(Object.keys(rules.any).length);
});

test("every dependency is imported by the sources, and everything imported is a dependency", () => {
  const imported = [...sources]
    .flatMap(([path, source]) => importsOf(path, tokensOf(source)))
    .filter(({ target, typeOnly }) => !typeOnly && !/^(src\/|node:|bun:|package\.json$)/.test(target))
    .map(({ target }) =>
      target
        .split("/")
        .slice(0, target.startsWith("@") ? 2 : 1)
        .join("/"),
    );
  expect([...new Set(imported)].toSorted()).toEqual(Object.keys(pkg.dependencies).toSorted());
});

test("every dependency has an exact version", () => {
  const loose = Object.entries({ ...pkg.dependencies, ...pkg.devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
  );
  expect(loose).toEqual([]);
});

const cli = ["src/cli.ts", 'const x = [import("./commands/ban.ts"), import("./commands/list.ts")];'] as const;

/** What is found in one file beside a command table of two. */
function found(path: string, source: string): string[] {
  return offences(new Map([cli, [path, source]]), { long: {}, any: {} });
}

test.each([
  ["src/core/hold.ts", 'import { main } from "../cli.ts";', "imports src/cli.ts"],
  ["src/core/hold.ts", 'import type { Runtime } from "../runtime.ts";', "imports src/runtime.ts"],
  ["src/core/hold.ts", 'import { readFileSync } from "node:fs";', "imports node:fs"],
  ["src/core/hold.ts", 'import { defineCommand } from "citty";', "imports citty"],
  ["src/core/hold.ts", 'export * from "../journal/sqlite.ts";', "imports src/journal/sqlite.ts"],
  ["src/core/hold.ts", 'export type { Log } from "../log.ts";', "imports src/log.ts"],
  ["src/core/hold.ts", 'const x = await import("../wire.ts");', "imports src/wire.ts"],
  ["src/core/hold.ts", 'const x = () => require("../wire.ts");', "imports src/wire.ts"],
  ["src/core/hold.ts", 'type X = import("../wire.ts").WireOptions;', "imports src/wire.ts"],
  ["src/core/hold.ts", 'import "../wire.ts";', "imports src/wire.ts"],
  ["src/core/hold.ts", 'import {\n  a,\n  b,\n} from "../wire.ts";', ":1: imports src/wire.ts"],
  ["src/cloudflare/client.ts", 'import { x } from "../journal/lock.ts";', "imports src/journal/lock.ts"],
  ["src/cloudflare/client.ts", 'import { x } from "../config.ts";', "imports src/config.ts"],
  ["src/cloudflare/client.ts", 'import { x } from "@cloudflare/types";', "more than its types"],
  ["src/journal/sqlite.ts", 'import { x } from "../fail2ban/bips.ts";', "imports src/fail2ban/bips.ts"],
  ["src/journal/sqlite.ts", 'import { x } from "../commands/wake.ts";', "imports src/commands/wake.ts"],
  ["src/fail2ban/bips.ts", 'import { x } from "../cloudflare/zones.ts";', "imports src/cloudflare/zones.ts"],
  ["src/commands/ban.ts", 'import { list } from "./list.ts";', "a command knows no other"],
  ["src/commands/ban.ts", 'import { x } from "../cloudflare/client.ts";', "imports src/cloudflare/client.ts"],
  ["src/commands/ban.ts", 'import { x } from "../cli.ts";', "imports src/cli.ts"],
  ["src/wire.ts", 'import { x } from "./commands/list.ts";', "imports src/commands/list.ts"],
  ["src/config.ts", 'import { x } from "./wire.ts";', "imports src/wire.ts"],
  ["src/errors.ts", 'import { x } from "./log.ts";', "imports src/log.ts"],
  ["src/log.ts", 'import "./index.ts";', "imports src/index.ts"],
  ["src/log.ts", 'import "left-pad";', "imports left-pad"],
  ["src/log.ts", "process.exit(1);", "process."],
  ["src/log.ts", "const text = `${/* why */ process.env.HOME}`;", "process."],
  ["src/log.ts", "console.error(1);", "console."],
  ["src/log.ts", "const at = Date.now();", "Date.now"],
  ["src/log.ts", "const now = Date.now;", "Date.now"],
  ["src/log.ts", "const at = new Date();", "new Date()"],
  ["src/log.ts", "const chance = Math.random();", "Math.random"],
  ["src/log.ts", 'await fetch("https://example.com");', "fetch("],
  ["src/log.ts", "setTimeout(() => {}, 1);", "setTimeout("],
  ["src/log.ts", "await Bun.sleep(1);", "Bun.sleep"],
  ["src/log.ts", "export default 1;", "a default export"],
  ["src/log.ts", "export { log as default };", "a default export"],
  ["src/log.ts", "const x: any = 1;", "any"],
  ["src/log.ts", "const x = y as any;", "any"],
  ["src/log.ts", "const x = y!;", "a non-null !"],
  ["src/log.ts", "const x = y!.z;", "a non-null !"],
  ["src/log.ts", "const x = y[0]!;", "a non-null !"],
  ["src/log.ts", "const x = y()!.z;", "a non-null !"],
  ["src/log.ts", "let x!: string;", "a non-null !"],
  ["src/log.ts", "\n".repeat(201), "more than 200 lines"],
])("%s with %j is an offence", (path, source, says) => {
  expect(found(path, source)).toEqual([expect.stringContaining(says)]);
});

test("files that import each other are found", () => {
  const circle = new Map([
    ["src/core/a.ts", 'import { b } from "./b.ts";'],
    ["src/core/b.ts", 'import { c } from "./c.ts";'],
    ["src/core/c.ts", 'import { a } from "./a.ts";'],
  ]);
  expect(offences(circle, { long: {}, any: {} })).toEqual([expect.stringContaining("in a circle")]);
});

test.each([
  ["a comment", "// process.exit, console.log, any!\n/* Date.now() */"],
  ["a string", `const text = "process.exit(1)" + 'fetch(any!)' + "\\"console.log";`],
  ["a template", "const text = `process.exit ${name} any! \\` console.log`;"],
  ["a template in a template", "const text = `${a ? `any ${b} fetch(` : { c: 1 }} Date.now()`;"],
  ["a regular expression", "const pattern = /[/'\"]process.any!`/g.test(text);"],
  ["a division", "const part = (a / b) / c; // any / more"],
  [
    "a member of the same name",
    "runtime.fetch(url); runtime.process.exit(); AbortSignal.any([]); x.console.log();",
  ],
  ["a fetch that is handed in", "export function client({ fetch, url }: Options) { return fetch(url); }"],
  ["a date of a moment", "const time = new Date(at);"],
  ["negations", "if (a) !b; const c = !d !== !e; return !f; for (const g of !h) {} if (a) !(b);"],
  ["a part of a command", 'import { wake } from "./wake.ts"; export { type X } from "../config.ts";'],
])("%s is no offence", (_, source) => {
  expect(found("src/commands/ban.ts", source)).toEqual([]);
});
