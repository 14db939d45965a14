import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { binarySite } from "../support/binary-site.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { pendingIn } from "../support/journal-file.ts";
import { networkTest } from "../support/network.ts";
import { jail, protectedSite } from "../support/protected-site.ts";
import { tempRoot } from "../support/temp-root.ts";
import type { TempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

setDefaultTimeout(60_000);

/** A directory in which Bun, or whoever looks around, finds code to run and settings to take. */
function hostileDirectory(): TempRoot & { hasRun(): boolean } {
  const root = tempRoot();
  const intruder = `require("node:fs").writeFileSync(${JSON.stringify(root.at("ran"))}, "");\n`;
  const settings = [
    "FAIL2BAN_CLOUDFLARE_CONFIG=/nonexistent/config.toml",
    "CLOUDFLARE_API_TOKEN=token-of-another",
    "HTTP_PROXY=http://127.0.0.1:9",
    `BUN_OPTIONS=--preload=${root.at("preload.ts")}`,
  ];
  for (const name of [".env", ".env.local", ".env.production", ".env.development"]) {
    root.write(name, `${settings.join("\n")}\n`);
  }
  for (const name of ["preload.ts", "index.ts", "src/index.ts", "node_modules/citty/index.js"]) {
    root.write(name, intruder);
  }
  root.write("bunfig.toml", 'preload = ["./preload.ts"]\n[run]\npreload = ["./preload.ts"]\n');
  root.write(
    "package.json",
    '{ "name": "intruder", "module": "preload.ts", "imports": { "#x": "./preload.ts" } }',
  );
  root.write("tsconfig.json", '{ "compilerOptions": { "paths": { "*": ["./preload.ts"] } } }');
  return {
    ...root,
    hasRun: () => existsSync(root.at("ran")),
  };
}

networkTest(
  "hooks work with an empty environment in a hostile directory, and a courier at work holds up nothing at HEAVYDEBUG",
  async () => {
    await using edge = fakeCloudflare();
    using directory = hostileDirectory();
    await using site = await protectedSite(edge, { loglevel: "HEAVYDEBUG", env: {}, cwd: directory.path });
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    edge.onRequest = () => released;
    await site.fail2ban.start();

    await site.fail2ban.banip(jail, "198.51.100.7", "2001:db8:bad::7");
    await until(() => edge.calls.length > 0, { what: () => `a call\n${site.story()}` });
    await site.fail2ban.banip(jail, "198.51.100.8");
    await site.fail2ban.unbanip(jail, "198.51.100.8");
    // fail2ban reads an action's pipes to their end at this level: a courier that had them would keep it waiting.
    expect(site.couriers()).not.toEqual([]);
    expect(edge.blocked()).toEqual([]);
    release();
    await site.blockedEverywhere("198.51.100.7", "2001:db8:bad::7");
    await site.fail2ban.unbanip(jail, "198.51.100.7", "2001:db8:bad::7");
    await site.blockedEverywhere();
    expect(site.fail2ban.log()).not.toContain("ERROR");
    expect(directory.hasRun()).toBe(false);
  },
);

test("a hostile directory changes nothing for a person's commands and the courier's either", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  using directory = hostileDirectory();
  const options = { cwd: directory.path };
  for (const line of ["ban 203.0.113.7 --jail sshd --wait", "deliver --once", "status", "list", "sync"]) {
    expect(await site.run(line.split(" "), options)).toMatchObject({ code: 0 });
  }
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect(directory.hasRun()).toBe(false);
  expect(statSync(site.journalPath).mode & 0o777).toBe(0o600);
});

test.each([
  ["stdin", [0]],
  ["stdout", [1]],
  ["stderr", [2]],
  ["stdin, stdout and stderr", [0, 1, 2]],
] as const)("with %s closed everything works, and nothing of it lands in a file", async (_, closed) => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  const run = async (line: string): Promise<number> => (await site.run(line.split(" "), { closed })).code;
  expect(await run("ban 203.0.113.7 --jail sshd")).toBe(0);
  await until(() => edge.blocked().length === 1, { what: site.log });
  expect(await run("ban garbage --jail sshd")).toBe(2);
  expect([await run("status"), await run("list --json"), await run("sync")]).toEqual([0, 0, 0]);
  expect(await run("unban 203.0.113.7 --jail sshd --wait")).toBe(0);
  expect(await run("deliver --once")).toBe(0);
  expect({ blocked: edge.blocked(), pending: pendingIn(site.journalPath) }).toEqual({
    blocked: [],
    pending: 0,
  });
  expect(site.root.read("etc/fail2ban-cloudflare/token")).toBe(`${edge.token}\n`);
});
