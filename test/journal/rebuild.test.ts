import { expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { takeCourierLock } from "../../src/journal/lock.ts";
import { binaryPath } from "../support/binary.ts";
import { accessRules } from "../support/chaos/access-rules.ts";
import { crashAt } from "../support/chaos/crash.ts";
import { chaosHost } from "../support/chaos/host.ts";
import { untilRest } from "../support/chaos/rest.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";
import { until } from "../support/wait.ts";

function loseJournal(journalPath: string): void {
  rmSync(dirname(journalPath), { recursive: true });
}

/** Longer than until the edge is compared again. */
const hourMs = 3_700_000;

test("a new journal that cannot ask Cloudflare at first takes over what it finds later", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.50 --jail by-hand");
  await web.deliver();
  loseJournal(web.journalPath);
  edge.fail({ kind: "status", status: 503 }, { when: ({ path }) => path.endsWith("/rules") });
  await web.deliver();
  web.clock.now += hourMs;
  await web.deliver();
  expect((await web.run("list")).stdout).toContain("203.0.113.50");
  expect(edge.blocked()).toEqual(["203.0.113.50"]);
});

/** As when fail2ban writes for a long time. */
function lockDatabase(web: Site): Disposable {
  const db = new Database(join(web.directory, "fail2ban.sqlite3"));
  db.run("BEGIN EXCLUSIVE");
  return { [Symbol.dispose]: () => db.close() };
}

test("a new journal that cannot read fail2ban's bans at first asks again before it takes anything over", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  for (const last of [1, 2]) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.deliver();
  loseJournal(web.journalPath);
  web.fail2banBans([{ jail: "sshd", ip: "203.0.113.2" }]);
  {
    using _lock = lockDatabase(web);
    await web.deliver();
  }
  expect(edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2"]);
  web.clock.now += hourMs;
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.2"]);
});

test("a courier that is killed while it takes over what it finds is followed by one that does it", async () => {
  await using edge = fakeCloudflare();
  await using host = chaosHost(edge, {
    plan: {
      name: "web1",
      graceS: 2,
      ipv6Prefix: 128,
      profiles: new Map([["", ["example.com"]]]),
      targets: [],
    },
    backend: accessRules,
    binary: await binaryPath(),
    budget: 1_000,
  });
  await host.hook(["ban", "203.0.113.50", "--jail", "by-hand"], null);
  await untilRest(host);
  await host.killCouriers();
  loseJournal(host.journalPath);
  {
    using _nobodyElse = takeCourierLock(host.journalPath);
    await host.hook(["start", "--jail", "sshd"], null);
  }
  await crashAt("after the answer, before it is recorded", {
    edge,
    at: ({ path }) => path.endsWith("/access_rules/rules"),
    journalPath: host.journalPath,
    start: () => void host.deliver(),
    kill: () => host.killCouriers(),
  });
  void host.deliver();
  await until(async () => (await host.run("list")).stdout.includes("203.0.113.50"), {
    deadlineMs: 30_000,
    what: () => `the hold of what was found\n${host.log()}`,
  });
  await untilRest(host);
  expect(edge.blocked()).toEqual(["203.0.113.50"]);
});
