import { expect, test } from "bun:test";
import fc from "fast-check";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openSqlite } from "../../src/journal/sqlite.ts";
import type { Answer } from "../support/cloudflare/answer.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { answer, held, lies } from "../support/fuzz/answers.ts";
import { garbage, line } from "../support/fuzz/command-lines.ts";
import { configuration, onceCrashed, secret } from "../support/fuzz/configurations.ts";
import { liar } from "../support/fuzz/liar.ts";
import { rooted } from "../support/rooted.ts";
import type { Ended } from "../support/site.ts";
import { site } from "../support/site.ts";

/** Nothing here takes a tenth of this unless it hangs. */
const deadlineMs = 10_000;

/** Fails when a command line hangs, crashes, shouts, says a secret or forges a line. */
async function behaves(running: Promise<Ended>, { lines }: { readonly lines: number }): Promise<Ended> {
  const hung = Symbol("hung");
  const ended = await Promise.race([running, Bun.sleep(deadlineMs).then(() => hung)]);
  if (typeof ended === "symbol") throw new Error(`No end after ${deadlineMs} ms`);
  const { code, stdout, stderr } = ended;
  expect({ ended, documented: [0, 2, 3, 4, 5].includes(code) }).toEqual({ ended, documented: true });
  expect(stderr).not.toMatch(/\n\s+at |[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/);
  const said = stderr === "" ? [] : stderr.split("\n");
  expect(said.length).toBeLessThanOrEqual(lines);
  expect(Math.max(0, ...said.map((line) => line.length))).toBeLessThanOrEqual(1_000);
  expect(stdout + stderr).not.toContain(secret);
  return ended;
}

/** A hook says one line at most; a courier's log goes to stderr too. */
function linesOf(args: readonly string[]): number {
  return args.some((word) => word === "deliver" || word === "sync") ? Infinity : 1;
}

test("any command line ends with a documented code and one short line, and leaves the journal whole", async () => {
  await using edge = fakeCloudflare({ limit: { calls: 1e9, windowMs: 1_000 } });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 4 }), async (lines) => {
      using web = site(edge);
      for (const args of lines) await behaves(web.runArgs(...args), { lines: linesOf(args) });
      for (const { id } of edge.rules()) edge.remove(id);
      if (!existsSync(web.journalPath)) return;
      using journal = openSqlite(web.journalPath);
      journal.verify();
    }),
    { numRuns: 300 },
  );
}, 300_000);

test("any file name after --config ends in one short line", async () => {
  await using edge = fakeCloudflare();
  using machine = rooted(edge.url);
  await fc.assert(
    fc.asyncProperty(fc.oneof(garbage, fc.constantFrom("/", "/dev/null", "/proc/self/mem")), async (path) => {
      await behaves(machine.run("--config", path, "list"), { lines: 1 });
    }),
    { numRuns: 100 },
  );
}, 300_000);

test("any configuration file ends with a documented code, one line for a hook, and its secret nowhere", async () => {
  await using edge = fakeCloudflare();
  const base = `api_base = ${JSON.stringify(edge.url)}`;
  const command = fc.constantFrom<string[][]>(
    ["ban", "203.0.113.7", "--jail", "sshd"],
    ["ban", "2001:db8::7", "--jail", "sshd", "--profile", "x"],
    ["unban", "203.0.113.7", "--jail", "sshd"],
    ["flush", "--jail", "sshd", "--family", "inet4"],
    ["start", "--jail", "sshd"],
    ["deliver", "--once"],
    ["sync"],
    ["status"],
    ["list", "--json"],
    ["doctor"],
    ["doctor", "--json"],
    ["login", "--token-file", "/dev/null"],
  );
  await fc.assert(
    fc.asyncProperty(
      configuration(edge.url),
      fc.array(command, { minLength: 1, maxLength: 3 }),
      async (text, lines) => {
        using machine = rooted(edge.url);
        machine.write("etc/fail2ban-cloudflare/config.toml", text);
        for (const args of lines) await behaves(machine.run(...args), { lines: linesOf(args) });
        expect(machine.written("etc/fail2ban-cloudflare/config.toml")).not.toContain(secret);
      },
    ),
    {
      numRuns: 500,
      examples: onceCrashed.map((setting): [string, string[][]] => [
        `${base}\n${setting}`,
        [["deliver", "--once"], ["status"]],
      ]),
    },
  );
}, 300_000);

test("whatever the API answers, a delivery ends, calls stay bounded, and all arrives once it is honest", async () => {
  const zones = fc.constantFrom("name", "id");
  const reactions = fc.array(fc.oneof({ weight: 20, arbitrary: answer }, fc.constant("reset" as const)), {
    minLength: 1,
    maxLength: 8,
  });
  const examples = lies.flatMap((body): ["name" | "id", Answer[]][] => [
    ["name", [{ status: 200, body }]],
    ["id", [{ status: 200, body }]],
  ]);
  await fc.assert(
    fc.asyncProperty(zones, reactions, async (by, answers) => {
      await using edge = fakeCloudflare({ contract: "off" });
      await using server = liar(edge);
      using web = site(edge, {
        config: {
          api_base: JSON.stringify(server.url),
          zones: JSON.stringify([by === "id" ? edge.zone.id : "example.com"]),
          budget: "100",
        },
      });
      for (const address of held) await web.run(`ban ${address} --jail sshd`);
      server.lie(answers);
      await behaves(web.deliverOnce(), { lines: 100 });
      await behaves(web.run("sync"), { lines: 100 });
      await web.run(`unban ${held[0]} --jail sshd`);
      await behaves(web.deliverOnce(), { lines: 100 });
      expect(server.calls()).toBeLessThanOrEqual(100);

      server.tellTheTruth();
      web.clock.now += 3_600_000;
      await behaves(web.run("sync"), { lines: 100 });
      // What it was told that Cloudflare refuses stays parked until somebody wants it anew.
      for (const address of held) {
        await web.run(`unban ${address} --jail sshd`);
        await web.run(`ban ${address} --jail sshd`);
      }
      expect(await behaves(web.deliverOnce(), { lines: 100 })).toMatchObject({ code: 0 });
      expect(edge.blocked()).toEqual(held.toSorted());
    }),
    { numRuns: 100, examples },
  );
}, 300_000);

test("whatever the API answers, doctor and login end, and change nothing at Cloudflare", async () => {
  const reactions = fc.array(fc.oneof({ weight: 20, arbitrary: answer }, fc.constant("reset" as const)), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(reactions, async (answers) => {
      await using edge = fakeCloudflare({ contract: "off" });
      await using server = liar(edge);
      using web = site(edge, { config: { api_base: JSON.stringify(server.url) } });
      await web.run("ban 203.0.113.7 --jail sshd");
      await web.deliverOnce();
      const before = JSON.stringify(edge.rules());
      server.lie(answers);
      await behaves(web.run("doctor"), { lines: 0 });
      await behaves(web.runArgs("login", "--token-file", join(web.directory, "token")), { lines: 10 });
      expect(JSON.stringify(edge.rules())).toBe(before);
    }),
    { numRuns: 100 },
  );
}, 300_000);

const listed = { id: "a".repeat(32), mode: "block", configuration: { target: "ip", value: "192.0.2.1" } };

test.each([
  ["empty pages without end", [], { total_pages: 1e9 }],
  ["empty pages without end by their count", [], { total_count: 1e11, per_page: 100 }],
  ["full pages without end", Array.from({ length: 100 }, () => listed), { total_pages: 1e9 }],
])("%s cost a bounded number of calls", async (_, result, result_info) => {
  await using edge = fakeCloudflare({ contract: "off" });
  await using server = liar(edge);
  using web = site(edge, {
    config: { api_base: JSON.stringify(server.url), zones: JSON.stringify([edge.zone.id]) },
  });
  server.lie([{ status: 200, body: { success: true, errors: [], result, result_info } }]);
  await behaves(web.run("sync"), { lines: 100 });
  // An account has at most 50,000 rules, 100 a page.
  expect(server.calls()).toBeLessThanOrEqual(result.length === 0 ? 20 : 501);
});
