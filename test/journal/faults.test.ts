import { expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { takeCourierLock } from "../../src/journal/lock.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";
import type { Site } from "../support/site.ts";

/** A small file system of its own where the journal is, until it is disposed. */
function smallDisk(web: Site, options: string): Disposable {
  const directory = dirname(web.journalPath);
  mkdirSync(directory, { recursive: true });
  const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory]);
  if (mount.exitCode !== 0) throw new Error(`Cannot mount a tmpfs: ${mount.stderr.toString()}`);
  return { [Symbol.dispose]: () => void Bun.spawnSync(["umount", "-l", directory]) };
}

test("a ban on a full disk is blocked directly, and the hook says so", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  using _disk = smallDisk(web, "size=256k");
  await web.run("ban 203.0.113.1 --jail sshd");
  const filler = join(dirname(web.journalPath), "filler");
  for (let size = 200_000; size > 0; size = Math.floor(size / 2)) {
    try {
      writeFileSync(filler, Buffer.alloc(size), { flag: "a" });
    } catch {}
  }
  const ended = await web.run("ban 203.0.113.7 --jail sshd");
  expect(ended.code).toBe(5);
  expect(ended.stderr).toMatch(/Cannot use journal .* blocked directly: 203\.0\.113\.7 at zone example\.com/);
  expect(ended.stderr.split("\n")).toHaveLength(1);
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("a ban on a read-only disk is blocked directly, and the hook says so", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  using _disk = smallDisk(web, "size=1m,ro");
  const ended = await web.run("ban 203.0.113.7 --jail sshd");
  expect(ended.code).toBe(5);
  expect(ended.stderr).toContain("blocked directly: 203.0.113.7");
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("a lock that cannot be written is nobody's: SQLite would give it to all", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  using _disk = smallDisk(web, "size=1m");
  await web.run("ban 203.0.113.7 --jail sshd");
  takeCourierLock(web.journalPath)?.[Symbol.dispose]();
  const directory = dirname(web.journalPath);
  expect(Bun.spawnSync(["mount", "-o", "remount,ro", directory]).exitCode).toBe(0);
  expect(() => takeCourierLock(web.journalPath)).toThrow(/Cannot use journal .*EROFS/);
});

test("a ban that has neither a journal nor Cloudflare ends within its time and says both", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  using _disk = smallDisk(web, "size=1m,ro");
  edge.fail({ kind: "status", status: 503 }, { times: Number.POSITIVE_INFINITY });
  const ended = await web.run("ban 203.0.113.7 --jail sshd");
  expect(ended.code).toBe(5);
  expect(ended.stderr).toMatch(/Cannot use journal .*; not blocked; Cloudflare cannot do .*status 503/);
});

test("a ban that has neither a journal nor an answer gives up long before fail2ban would end it", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  using _disk = smallDisk(web, "size=1m,ro");
  edge.fail({ kind: "hang" }, { times: Number.POSITIVE_INFINITY });
  const beganAt = performance.now();
  const ended = await web.run("ban 203.0.113.7 --jail sshd");
  expect(ended.code).toBe(5);
  expect(ended.stderr).toMatch(/Cannot use journal .*; not blocked; Cannot reach Cloudflare/);
  expect(ended.stderr.split("\n")).toHaveLength(1);
  // The action's timeout is 30 s, and a failed ban is run twice.
  expect(performance.now() - beganAt).toBeLessThan(15_000);
}, 30_000);

test("a journal of a newer version is refused and left as it is", async () => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  await web.run("ban 203.0.113.1 --jail sshd");
  using db = new Database(web.journalPath);
  db.run("PRAGMA user_version = 999");
  const ended = await web.run("ban 203.0.113.7 --jail sshd");
  expect(ended.code).toBe(5);
  expect(ended.stderr).toContain("version 999 is from a newer fail2ban-cloudflare");
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
  expect((await web.deliverOnce()).code).toBe(5);
  expect(db.query("SELECT count(*) AS n FROM holds").get()).toEqual({ n: 1 });
});

test.each([
  [
    "is no database",
    (path: string) => writeFileSync(path, "this is no database, and never was one".repeat(200)),
  ],
  ["is cut short", (path: string) => truncateSync(path, 8_192)],
])("a journal that %s is set aside and rebuilt from fail2ban's bans and the edge", async (_, spoil) => {
  await using edge = fakeCloudflare();
  using web = site(edge);
  const foreign = edge.plant(edge.zone.scope, { value: "203.0.113.99", notes: "mine" });
  for (const last of [1, 2, 3]) await web.run(`ban 203.0.113.${last} --jail sshd`);
  await web.run("ban 203.0.113.50 --jail by-hand");
  await web.deliver();
  for (const ending of ["-wal", "-shm"]) Bun.spawnSync(["rm", "-f", `${web.journalPath}${ending}`]);
  spoil(web.journalPath);
  // .1 ended while the journal was broken; .4 was banned meanwhile.
  web.fail2banBans([
    { jail: "sshd", ip: "203.0.113.2" },
    { jail: "sshd", ip: "203.0.113.3" },
    { jail: "sshd", ip: "203.0.113.4" },
  ]);
  const hook = await web.run("ban 203.0.113.4 --jail sshd");
  expect(hook.code).toBe(5);
  await web.deliver();
  expect(edge.blocked()).toEqual([
    "203.0.113.2",
    "203.0.113.3",
    "203.0.113.4",
    "203.0.113.50",
    "203.0.113.99",
  ]);
  expect(edge.rules().find(({ id }) => id === foreign.id)).toEqual(foreign);
  expect(readdirSync(dirname(web.journalPath)).filter((name) => /corrupt-\d+$/.test(name))).toHaveLength(1);
  await web.run("unban 203.0.113.2 --jail sshd");
  await web.deliver();
  expect(edge.blocked()).not.toContain("203.0.113.2");
  expect(existsSync(`${web.journalPath}.suspect`)).toBe(false);
});
