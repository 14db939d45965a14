/**
 * What a fleet costs a host: `bun scripts/bench/fleet.ts [HOLDS]...`, by default 1,000 and 100,000 holds over 20 hosts that
 * ban the same attackers. Real PostgreSQL, the built binary, a local stand-in for Cloudflare.
 */
import { Database } from "bun:sqlite";
import { readFileSync } from "node:fs";
import { joinHolds } from "../../src/core/member.ts";
import { openFleet } from "../../src/journal/postgres/fleet.ts";
import { openSpool } from "../../src/journal/spool.ts";
import { fakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { fleetHost } from "../../test/support/fleet-host.ts";
import type { FleetHost } from "../../test/support/fleet-host.ts";
import { postgres } from "../../test/support/postgres.ts";
import { until } from "../../test/support/wait.ts";

const hostCount = 20;
const samples = 100;
const deadlineMs = 120_000;

interface Figures {
  readonly holds: number;
  /** Milliseconds, medians. */
  readonly hookMs: number;
  readonly listedMs: number;
  readonly edgeMs: number;
  /** Peak of the process that is the courier, MiB. */
  readonly courierMiB: number;
}

const sizes = process.argv.slice(2).map(Number);
const all: Figures[] = [];
for (const holds of sizes.length > 0 ? sizes : [1_000, 100_000]) all.push(await measure(holds));
console.log("   holds   hook ms   listed elsewhere ms   at the edge ms   courier's peak MiB");
for (const { holds, hookMs, listedMs, edgeMs, courierMiB } of all) {
  const figures = [hookMs, listedMs, edgeMs, courierMiB].map((value) => value.toFixed(1));
  const widths = [10, 22, 17, 21];
  console.log(
    String(holds).padStart(8) + figures.map((text, index) => text.padStart(widths[index] ?? 0)).join(""),
  );
}

async function measure(holds: number): Promise<Figures> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(fakeCloudflare({ contract: "off", limit: { calls: 1e9, windowMs: 1_000 } }));
  const pg = stack.use(await postgres());
  const server = await pg.database();
  const hosts: FleetHost[] = [];
  for (let number = 1; number <= hostCount; number += 1)
    hosts.push(stack.use(await fleetHost(`web${number}`, edge, server)));
  const networks = Array.from({ length: holds / hostCount }, (_, index) => networkOf(index));
  {
    await using fleet = await openFleet(server, { name: "web", now: Date.now });
    for (const { name, spoolPath } of hosts) {
      using own = openSpool(spoolPath);
      fill(spoolPath, name, networks);
      await joinHolds({ host: name, own, fleet, now: Date.now });
    }
    const place = `zone:${edge.zone.id}`;
    const known = networks.map((network) => ({
      network,
      row: { id: plant(edge, network), mode: "block", owned: true } as const,
    }));
    await fleet.record(place, "", known);
    await pg.psql(server.database, "DELETE FROM fail2ban_cloudflare.pending; ANALYZE");
    // The first courier compares all of the edge.
    await fleet.setFact("synced_at", "0");
  }
  const [one, two] = [hosts[0], hosts[1]];
  if (one === undefined || two === undefined) throw new Error("there are not two hosts");

  await one.hook("ban 192.0.2.1 --jail bench --wait");
  const [hookMs, edgeMs]: [number[], number[]] = [[], []];
  for (let sample = 1; sample <= samples; sample += 1) {
    const address = networkOf(1_000_000 + sample);
    const startedAt = performance.now();
    hookMs.push((await one.run(`ban ${address} --jail bench`)).ms);
    await until(() => edge.blocked().includes(address), { deadlineMs, everyMs: 5, what: one.log });
    edgeMs.push(performance.now() - startedAt);
  }
  const courierMiB = Math.max(...one.couriers().map(peakMiB));
  await using fleet = await openFleet(server, { name: "web", now: Date.now });
  const listedMs: number[] = [];
  for (let sample = 1; sample <= samples / 5; sample += 1) {
    const jail = `bench-${sample}`;
    await one.hook(`ban ${networkOf(2_000_000 + sample)} --jail ${jail}`);
    const startedAt = performance.now();
    await until(async () => (await fleet.holds(jail)).length === 1, {
      deadlineMs,
      everyMs: 1,
      what: one.log,
    });
    listedMs.push(performance.now() - startedAt);
  }
  return {
    holds,
    hookMs: median(hookMs),
    listedMs: median(listedMs),
    edgeMs: median(edgeMs),
    courierMiB,
  };
}

/** What so many bans have left in a host's own journal; recorded one by one they would take minutes. */
function fill(path: string, host: string, networks: readonly string[]): void {
  using db = new Database(path, { readwrite: true, strict: true });
  const hold = db.query(
    `INSERT INTO holds (profile, network, jail, host, address, family, mode, held_at)
     VALUES ('', $network, 'sshd', $host, $network, 'inet6', 'block', $now)`,
  );
  const mark = db.query(
    "INSERT INTO pending (profile, network, ban, since_at) VALUES ('', $network, 1, $now)",
  );
  db.transaction(() => {
    for (const network of networks) {
      hold.run({ network, host, now: Date.now() });
      mark.run({ network, now: Date.now() });
    }
  })();
}

function plant(edge: FakeCloudflare, network: string): string {
  return edge.plant(edge.zone.scope, { value: network, notes: "Fail2Ban sshd host:web" }).id;
}

function networkOf(number: number): string {
  return `2001:db8:${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}::1`;
}

/** The most memory that a process ever had. */
function peakMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
