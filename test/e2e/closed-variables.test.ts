import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import pkg from "../../package.json" with { type: "json" };
import { closeVariables, closedVariables } from "../../scripts/build/variables.ts";
import { runBinary } from "../support/binary.ts";
import { tempRoot } from "../support/temp-root.ts";

/** Says that it was run, and leaves a trace. */
const intruder = 'console.log("intruder"); await Bun.write("trace", "intruder");\n';

/** What each variable would do in a Bun that reads it. */
const attacks: Readonly<Record<(typeof closedVariables)[number], readonly string[]>> = {
  BUN_BE_BUN: ["1"],
  BUN_OPTIONS: ["--preload ./intruder.ts", "--revision", "--cpu-prof", "--config=./bunfig.toml"],
  BUN_INSPECT: ["127.0.0.1:9229"],
  BUN_INSPECT_CONNECT_TO: ["127.0.0.1:9229"],
  BUN_INSPECT_PRELOAD: ["./intruder.ts"],
  BUN_BYTECODE_DIGEST_OUT: ["./trace"],
  BUN_BYTECODE_ORDER_NAMES_OUT: ["./trace"],
  BUN_BYTECODE_ORDER_OUT: ["./trace"],
  BUN_CONFIG_VERBOSE_FETCH: ["curl"],
};

const others = {
  NODE_OPTIONS: ["--require=./intruder.ts", "--import=./intruder.ts"],
  NODE_TLS_REJECT_UNAUTHORIZED: ["0"],
  NODE_ENV: ["development"],
};

const cases = Object.entries({ ...attacks, ...others }).flatMap(([name, values]) =>
  values.map((value) => [name, value] as const),
);

test.each(cases)("%s=%s changes nothing", async (name, value) => {
  using here = tempRoot();
  here.write("intruder.ts", intruder);
  here.write("bunfig.toml", 'preload = ["./intruder.ts"]\n');
  const files = readdirSync(here.path);
  const ended = await runBinary(["--version"], { env: { [name]: value }, cwd: here.path });
  expect(ended).toMatchObject({ code: 0, stdout: `${pkg.version}\n`, stderr: "" });
  expect(readdirSync(here.path)).toEqual(files);
});

test.each([[["-e", intruder]], [["run", "intruder.ts"]], [["./intruder.ts"]]])(
  "Bun's own command line %j is unknown to it, whatever the environment says",
  async (argv) => {
    using here = tempRoot();
    here.write("intruder.ts", intruder);
    const ended = await runBinary(argv, { env: { BUN_BE_BUN: "1" }, cwd: here.path });
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain("there is no such command");
    expect(readdirSync(here.path)).toEqual(["intruder.ts"]);
  },
);

test.each([
  ["not at all", ""],
  ["twice", "\0BUN_BE_BUN\0 \0BUN_BE_BUN\0"],
])("a Bun in which a name stands %s is refused", (_, text) => {
  using here = tempRoot();
  here.write("bun", text);
  expect(() => closeVariables(here.at("bun"))).toThrow("its name does not stand there just once");
  expect(here.read("bun")).toBe(text);
});
