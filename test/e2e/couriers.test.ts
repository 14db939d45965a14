import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { takeCourierLock } from "../../src/journal/lock.ts";
import { binaryPath } from "../support/binary.ts";
import { binarySite } from "../support/binary-site.ts";
import type { BinarySite } from "../support/binary-site.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { pendingIn } from "../support/journal-file.ts";
import { startProgram } from "../support/program.ts";
import type { Program } from "../support/program.ts";
import { until } from "../support/wait.ts";

setDefaultTimeout(60_000);

const deadlineMs = 40_000;

/** How many calls a courier has under way at once. */
const concurrency = 8;

const addresses = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `203.0.113.${index + 1}`);

/** All at once, as many processes. */
async function all(site: BinarySite, command: "ban" | "unban", list: readonly string[]): Promise<void> {
  const ended = await Promise.all(list.map((address) => site.run([command, address, "--jail", "sshd"])));
  expect(ended.filter(({ code, stderr }) => code !== 0 || stderr !== "")).toEqual([]);
}

/** Bans that are recorded, and that nobody delivers yet. */
async function recorded(site: BinarySite, count: number): Promise<void> {
  using _ = takeCourierLock(site.journalPath);
  await all(site, "ban", addresses(count));
  // One that a hook has started ahead still tries for the lock.
  await until(() => site.couriers().length === 0, {
    deadlineMs,
    what: () => `no courier, not ${site.couriers()}`,
  });
}

async function startCourier(site: BinarySite): Promise<Program> {
  return startProgram(
    [await binaryPath(), "--config", site.configPath, "deliver"],
    site.root.at("courier.output"),
  );
}

/** Keeps additions waiting, before or after Cloudflare has done its work, until they are let go. */
function gate(edge: FakeCloudflare, at: "onRequest" | "onAnswer"): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  edge[at] = ({ method }) => (method === "POST" ? promise : undefined);
  return resolve;
}

const additions = (edge: FakeCloudflare) => edge.calls.filter(({ method }) => method === "POST");

async function delivered(site: BinarySite, edge: FakeCloudflare, list: readonly string[]): Promise<void> {
  const wanted = JSON.stringify(list.toSorted());
  await until(
    () => JSON.stringify(edge.blocked().toSorted()) === wanted && pendingIn(site.journalPath) === 0,
    { deadlineMs, what: () => `${wanted}, and not ${edge.blocked()}\n${site.log()}` },
  );
}

/** The processes that hold the courier's lock, as the kernel has it. */
function lockHolders(site: BinarySite): number[] {
  const inode = String(statSync(`${site.journalPath}.courier`).ino);
  const held = readFileSync("/proc/locks", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[5]?.split(":")[2] === inode);
  return [...new Set(held.map((fields) => Number(fields[4])))];
}

test("of fifty hooks at once none loses its ban or its unban, and one courier is at work", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  const release = gate(edge, "onRequest");
  await all(site, "ban", addresses(50));
  await until(() => site.couriers().length === 1 && additions(edge).length > 0, {
    deadlineMs,
    what: () => `one courier, not ${site.couriers()}`,
  });
  const couriers = site.couriers();
  expect(lockHolders(site)).toEqual(couriers);
  release();
  await delivered(site, edge, addresses(50));
  await all(site, "unban", addresses(50));
  await delivered(site, edge, []);
  expect(site.log()).not.toMatch(/SQLITE|WARNING|ERROR/);
  expect(edge.violations).toEqual([]);
  const writers = site.log().matchAll(/\[(\d+)\]: INFO +\[sshd\] Ban /g);
  expect([...new Set([...writers].map(([, pid]) => Number(pid)))]).toEqual(couriers);
});

test("SIGTERM lets a courier finish the calls under way, and leaves the rest to the next", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  await recorded(site, 20);
  const release = gate(edge, "onRequest");
  const courier = await startCourier(site);
  await until(() => additions(edge).length === concurrency, { deadlineMs, what: site.log });
  process.kill(courier.pid, "SIGTERM");
  release();
  await until(() => !courier.isRunning, { deadlineMs, what: "the courier's end" });
  expect(edge.calls.filter(({ status }) => status !== 200)).toEqual([]);
  const finished = edge.blocked().length;
  expect(finished).toBeWithin(concurrency, 20);
  expect(pendingIn(site.journalPath)).toBe(20 - finished);

  expect(await site.run(["deliver", "--once"])).toMatchObject({ code: 0 });
  expect(edge.blocked().toSorted()).toEqual(addresses(20).toSorted());
  expect(additions(edge)).toHaveLength(20);
});

test("SIGTERM ends a courier though Cloudflare does not answer, and nothing is lost", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  await recorded(site, 20);
  const release = gate(edge, "onRequest");
  const courier = await startCourier(site);
  await until(() => additions(edge).length === concurrency, { deadlineMs, what: site.log });
  process.kill(courier.pid, "SIGTERM");
  // Well below what the calls themselves would be waited for.
  await until(() => !courier.isRunning, { what: "the courier's end" });
  expect(additions(edge).every(({ status }) => status === null)).toBe(true);
  expect(pendingIn(site.journalPath)).toBe(20);
  release();
  expect(await site.run(["deliver", "--once"])).toMatchObject({ code: 0 });
  await delivered(site, edge, addresses(20));
});

test("after kill -9 in the middle of calls the next courier takes over, and every rule is known", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  await recorded(site, 20);
  // Cloudflare has done its work, and nobody has heard of it.
  const release = gate(edge, "onAnswer");
  const courier = await startCourier(site);
  await until(() => edge.blocked().length === concurrency, { deadlineMs, what: site.log });
  expect(lockHolders(site)).toEqual([courier.pid]);
  await courier.end("SIGKILL");
  expect(pendingIn(site.journalPath)).toBe(20);
  release();
  expect(await site.run(["ban", "203.0.113.99", "--jail", "sshd"])).toMatchObject({ code: 0 });
  await delivered(site, edge, [...addresses(20), "203.0.113.99"]);
  const before = edge.calls.length;
  await all(site, "unban", [...addresses(20), "203.0.113.99"]);
  await delivered(site, edge, []);
  // One DELETE each; what is to be deleted is looked at first.
  const unbans = edge.calls.slice(before).filter(({ method }) => method !== "GET");
  expect(unbans.map(({ method }) => method)).toEqual(Array(21).fill("DELETE"));
});

test("while one profile's call is under way no other looks what stands there, and after kill -9 the mode is right", async () => {
  await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.org" }] });
  await using site = binarySite(edge, {
    config: { zones: '["example.com"]', profiles: '{ other = { zones = ["example.com", "example.org"] } }' },
  });
  const ban = async (...options: readonly string[]): Promise<void> =>
    expect(await site.run(["ban", "203.0.113.7", ...options])).toMatchObject({ code: 0, stderr: "" });
  const modes = (): string[] =>
    edge
      .rules()
      .map(({ mode, scope }) => `${scope.name} ${mode}`)
      .toSorted();
  await ban("--jail", "sshd", "--mode", "block");
  const isCompared = (): boolean => edge.calls.some(({ path }) => path === "/ips");
  await until(() => pendingIn(site.journalPath) === 0 && isCompared(), { deadlineMs, what: site.log });

  const { promise, resolve: release } = Promise.withResolvers<void>();
  edge.onRequest = ({ method }) => (method === "PATCH" ? promise : undefined);
  await ban("--jail", "sshd", "--mode", "challenge");
  const isChange = ({ method }: { readonly method: string }) => method === "PATCH";
  await until(() => edge.calls.some(isChange), { deadlineMs, what: site.log });
  await ban("--jail", "web", "--profile", "other", "--mode", "block");
  await until(() => site.log().includes("zone example.org: added"), { deadlineMs, what: site.log });
  const meanwhile = edge.calls.slice(edge.calls.findIndex(isChange) + 1);
  expect(meanwhile.map(({ method }) => method)).toEqual(["POST"]);

  for (const pid of site.couriers()) process.kill(pid, "SIGKILL");
  release();
  await until(() => modes().includes("example.com challenge"), { deadlineMs, what: () => `${modes()}` });
  expect(await site.run(["deliver", "--once"])).toMatchObject({ code: 0 });
  expect(modes()).toEqual(["example.com block", "example.org block"]);
});

test("deliver --once delivers at once where a courier waits for its next try", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  // A rejected credential is left alone for five minutes, and the courier stays for that.
  edge.fail({ kind: "status", status: 403, code: 9109 }, { times: Infinity });
  await all(site, "ban", ["203.0.113.7"]);
  await until(() => site.log().includes("rejects the credential"), { deadlineMs, what: site.log });
  edge.heal();
  expect(await site.run(["deliver", "--once"])).toMatchObject({ code: 0 });
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test("a ban during a person's command is delivered after it without another hook", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  const { promise, resolve: release } = Promise.withResolvers<void>();
  edge.onRequest = () => promise;
  const comparison = site.run(["sync", "--dry-run"]);
  await until(() => edge.calls.length > 0, { deadlineMs, what: "the comparison's first call" });
  await all(site, "ban", ["203.0.113.7"]);
  expect(site.couriers()).toEqual([]);
  release();
  expect(await comparison).toMatchObject({ code: 0 });
  await delivered(site, edge, ["203.0.113.7"]);
});

test("a hook without Bun's compiler starts a courier that has it, and everything else of its environment", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  const env = { BUN_JSC_useJIT: "0", CLOUDFLARE_EMAIL: "me@example.com" };
  expect(await site.run(["ban", "203.0.113.7", "--jail", "sshd"], { env })).toMatchObject({ code: 0 });
  await delivered(site, edge, ["203.0.113.7"]);
  const [courier] = site.couriers();
  const variables = readFileSync(`/proc/${courier}/environ`, "utf8");
  expect(variables).toContain("CLOUDFLARE_EMAIL=me@example.com");
  expect(variables).not.toContain("useJIT");
});
