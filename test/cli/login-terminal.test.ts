import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, runBinary } from "../support/binary.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";
import type { AtTerminal } from "../support/terminal.ts";
import { atTerminal, keys } from "../support/terminal.ts";

setDefaultTimeout(120_000);

interface LoggingIn extends AsyncDisposable {
  readonly edge: FakeCloudflare;
  readonly web: Site;
  readonly at: AtTerminal;
}

/** A person who has called login on a server with nothing configured but where the API is. */
async function loggingIn(...args: readonly string[]): Promise<LoggingIn> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.net" }] }));
  const web = stack.use(site(edge, { config: { api_token_file: null, zones: null } }));
  const at = stack.use(atTerminal([await binaryPath(), "--config", web.configPath, "login", ...args]));
  const owned = stack.move();
  return { edge, web, at, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const textOf = (web: Site, name: string): string => readFileSync(join(web.directory, name), "utf8");

test("a person is told which token to create, types it unseen, and chooses zones", async () => {
  await using person = await loggingIn();
  const { edge, web, at } = person;
  await at.shows("API token:");
  expect(at.shown()).toContain("Zone → Firewall Services → Edit");
  expect(at.echoes()).toBe(false);
  at.press(`${edge.token.slice(0, -2)}xx\x7f\x7f${edge.token.slice(-2)}`);
  at.press(keys.enter);
  await at.shows("Where are addresses to be blocked?");
  at.press(keys.enter);
  await at.shows("In which zones?");
  at.press(keys.down);
  await at.shows("example.net");
  at.press(keys.space);
  at.press(keys.enter);
  expect(await at.ended()).toBe(0);
  expect(at.shown()).toContain("✓ zone example.net: Zone → Firewall Services → Edit");
  expect(at.shown()).not.toContain(edge.token.slice(0, 8));
  expect(at.echoes()).toBe(true);
  expect(textOf(web, "token")).toBe(`${edge.token}\n`);
  expect(textOf(web, "config.toml")).toContain('zones = ["example.net"]');
});

test("a person chooses an account", async () => {
  await using person = await loggingIn();
  const { edge, web, at } = person;
  await at.shows("API token:");
  at.press(`${edge.token}${keys.enter}`);
  await at.shows("Where are addresses to be blocked?");
  at.press(keys.down);
  await at.shows("in a whole account");
  at.press(keys.enter);
  await at.shows("In which account?");
  at.press(keys.enter);
  expect(await at.ended()).toBe(0);
  expect(textOf(web, "config.toml")).toContain(`account = "${edge.account.id}"`);
});

test("with --email the key is asked for, and blocks for all zones of the user", async () => {
  await using person = await loggingIn("--email", "admin@example.com");
  const { edge, web, at } = person;
  await at.shows("Global API Key:");
  at.press(`${edge.apiKey}${keys.enter}`);
  await at.shows("Where are addresses to be blocked?");
  at.press(keys.down);
  at.press(keys.down);
  at.press(keys.enter);
  expect(await at.ended()).toBe(0);
  expect(textOf(web, "key")).toBe(`${edge.apiKey}\n`);
  expect(textOf(web, "config.toml")).not.toContain("zones");
});

test.each(["the token", "the zones"])("who gives up at %s leaves everything as it was", async (where) => {
  await using person = await loggingIn();
  const { edge, web, at } = person;
  const before = textOf(web, "config.toml");
  await at.shows("API token:");
  if (where === "the zones") {
    at.press(`${edge.token}${keys.enter}`);
    await at.shows("Where are addresses to be blocked?");
    at.press(keys.enter);
    await at.shows("In which zones?");
  }
  at.press(keys.interrupt);
  expect(await at.ended()).toBe(2);
  expect(at.shown()).toContain("Login was given up: nothing was written");
  expect(at.echoes()).toBe(true);
  expect(textOf(web, "config.toml")).toBe(before);
});

test("without a terminal the program refuses to ask, and does not wait", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const ended = await runBinary(["--config", web.configPath, "login"], { stdin: `${edge.token}\n` });
  expect(ended).toMatchObject({ code: 2, stdout: "" });
  expect(ended.stderr).toContain("login --token-file FILE");
});

test("a token comes through a pipe, where the file is stdin", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const line = ["--config", web.configPath, "login", "--token-file", "/dev/stdin"];
  const token = edge.grant("test-token-piped", { permissions: ["Zone Read", "Firewall Services Write"] });
  expect(await runBinary(line, { stdin: `${token}\n` })).toMatchObject({ code: 0 });
  expect(textOf(web, "token")).toBe("test-token-piped\n");
});
