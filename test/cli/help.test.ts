import { expect, setDefaultTimeout, test } from "bun:test";
import pkg from "../../package.json" with { type: "json" };
import { parseCommandLine } from "../../src/arguments.ts";
import { commandTexts, main } from "../../src/cli.ts";
import { exitCodes } from "../../src/errors.ts";
import { runProgram } from "../support/program.ts";
import type { Ended } from "../support/program.ts";
import { testRuntime } from "../support/runtime.ts";
import { tempRoot } from "../support/temp-root.ts";

// Real programs on a busy machine.
setDefaultTimeout(60_000);

const commands = await commandTexts({ runtime: testRuntime(), configPath: "/nonexistent" });
const names = commands.map(({ name }) => name);

async function run(...args: readonly string[]): Promise<Pick<Ended, "code" | "stdout" | "stderr">> {
  const runtime = testRuntime();
  const code = await main(args, runtime);
  return { code, stdout: runtime.printed.join("\n"), stderr: runtime.talked.join("\n") };
}

function expectToFitAScreen(text: string): void {
  const lines = text.split("\n");
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
}

test("--help shows every command on one screen", async () => {
  const { code, stdout, stderr } = await run("--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expectToFitAScreen(stdout);
  for (const name of names) expect(stdout).toMatch(new RegExp(`\\b${name}\\b`));
  expect(stdout.replace(pkg.version, "VERSION")).toMatchSnapshot();
});

test.each(names)("%s --help fits a screen, and has an example", async (name) => {
  const { code, stdout, stderr } = await run(name, "--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expectToFitAScreen(stdout);
  expect(stdout).toContain(`\nExamples:\n  fail2ban-cloudflare ${name}`);
  expect(stdout).toMatchSnapshot();
});

test("help is also asked for by -h, by help COMMAND, and by no command at all", async () => {
  const [overview, ban] = [await run("--help"), await run("ban", "--help")];
  expect(await run("-h")).toEqual(overview);
  expect(await run("help")).toEqual(overview);
  expect(await run("ban", "-h")).toEqual(ban);
  expect(await run("help", "ban")).toEqual(ban);
  expect(await run()).toEqual({ ...overview, code: 2 });
  expect(await run("help", "bann")).toMatchObject({ code: 2, stdout: "" });
});

test.each(commands.flatMap(({ name, examples }) => examples.map((example) => [example, name] as const)))(
  "the example %j is a command line that the program takes",
  async (example, name) => {
    const command = commands.find((one) => one.name === name);
    const [line = ""] = example.replace("\\\n", "").split(/ [|>&]/);
    const [first, ...words] = line.trim().split(/ +/);
    expect(first).toBe(name);
    const option = ({ value }: { readonly value: string | null }) =>
      value === null ? ({ type: "boolean" } as const) : ({ type: "string" } as const);
    const definition = {
      ...Object.fromEntries(
        (command?.words ?? []).map((word) => [word.name, { type: "positional" } as const]),
      ),
      ...Object.fromEntries(
        (command?.options ?? []).map((one) => [one.name.replace(/^--/, ""), option(one)]),
      ),
    };
    expect(() => parseCommandLine(name, words, definition)).not.toThrow();
  },
);

test("the manual page has every command, option and exit code, and renders without a warning", async () => {
  using temporary = tempRoot();
  temporary.write("page.8", `${(await run("manual")).stdout}\n`);
  const [page, env] = [temporary.at("page.8"), { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8", MANWIDTH: "100" }];
  const groff = await runProgram(["groff", "-man", "-Tutf8", "-ww", page], { env });
  expect({ code: groff.code, stderr: groff.stderr }).toEqual({ code: 0, stderr: "" });
  const man = await runProgram(["man", "--warnings", "--local-file", page], { env });
  expect({ code: man.code, stderr: man.stderr }).toEqual({ code: 0, stderr: "" });
  const shown = man.stdout.replace(/.\u0008/g, "");
  for (const { name, words, options, examples } of commands) {
    expect(shown).toMatch(new RegExp(`^ +${name}\\b`, "m"));
    for (const argument of [...words, ...options]) expect(shown).toContain(argument.name);
    for (const example of examples) expect(shown).toContain(`${pkg.name} ${example.split("\n")[0]}`);
  }
  for (const code of [0, 1, ...Object.values(exitCodes)])
    expect(shown).toMatch(new RegExp(`^ +${code} +\\S`, "m"));
});
