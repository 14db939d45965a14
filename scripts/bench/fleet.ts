import { readFileSync } from "node:fs";
import { openFleet } from "../../src/journal/postgres/fleet.ts";
import { binaryPath } from "../../test/support/binary.ts";
import { fakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { fleetHost } from "../../test/support/fleet-host.ts";
import type { FleetHost } from "../../test/support/fleet-host.ts";
import { postgres } from "../../test/support/postgres.ts";
import type { Server } from "../../src/journal/postgres/session.ts";
import { until } from "../../test/support/wait.ts";
import { additions } from "./additions.ts";
import { fillFleet, networkOf } from "./fill-fleet.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";
import { median, runInTurn } from "./spawn.ts";

const hostCount = 20;
const sizes = [1_000, 100_000];
const deadlineMs = 120_000;

interface Measured {
  /** Milliseconds, medians. */
  readonly hookMs: number;
  readonly listedMs: number;
  readonly edgeMs: number;
  /** Peak of the process that is the courier. */
  readonly courierMiB: number;
}

/** What a fleet costs a host, by what all of its hosts hold. */
export async function fleet(rounds: number): Promise<Section> {
  const measured: Measured[] = [];
  for (const held of sizes) measured.push(await measure(held, rounds));
  const [few, many] = measured;
  if (few === undefined || many === undefined) throw new Error("nothing was measured");
  return {
    title: "A fleet",
    how: `${hostCount} hosts that hold the same addresses, with a real PostgreSQL; one of them is the courier, and has compared the edge. ${rounds} bans, medians.`,
    headings: [
      "holds of all hosts",
      "hook, ms",
      "listed by another host, ms",
      "at the edge, ms",
      "courier, peak MiB",
    ],
    rows: measured.map(({ hookMs, listedMs, edgeMs, courierMiB }, index) => [
      (sizes[index] ?? 0).toLocaleString("en"),
      ...[hookMs, listedMs, edgeMs, courierMiB].map(figure),
    ]),
    goals: [
      {
        text: "a hook with 100,000 holds to one with 1,000",
        value: many.hookMs / few.hookMs,
        most: 2,
        unit: "×",
      },
      {
        text: "a courier's memory with 100,000 holds to that with 1,000",
        value: many.courierMiB / few.courierMiB,
        most: 2,
        unit: "×",
      },
    ],
    limits: [
      "A hook writes to its host's own journal and to nothing else; the host's process looks there twenty times a second.",
    ],
  };
}

async function measure(held: number, rounds: number): Promise<Measured> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(fakeCloudflare({ contract: "off", limit: { calls: 1_000_000, windowMs: 300_000 } }));
  const pg = stack.use(await postgres());
  const server = await pg.database();
  const hosts: FleetHost[] = [];
  for (let number = 1; number <= hostCount; number += 1)
    hosts.push(stack.use(await fleetHost(`web${number}`, edge, server)));
  await fillFleet(edge, server, { hosts, count: held / hostCount });
  await pg.psql(server.database, "ANALYZE");
  const [one] = hosts;
  if (one === undefined) throw new Error("there is no host");
  // Now it is the courier.
  await one.hook("ban 192.0.2.1 --jail bench --wait");
  const courier = one.couriers();
  const [hook] = await runInTurn([hookOf(one, await binaryPath())], { rounds, warmup: 3 });
  const madeAt = additions(edge);
  const edgeMs: number[] = [];
  for (let round = 1; round <= rounds; round += 1)
    edgeMs.push(await untilAtEdge(madeAt, one, networkOf(1e6 + round)));
  const courierMiB = Math.max(...courier.map(peakMiB));
  return {
    hookMs: hook?.wallMs ?? Number.NaN,
    edgeMs: median(edgeMs),
    listedMs: await listing(server, one, rounds),
    courierMiB,
  };
}

function hookOf({ configPath }: FleetHost, binary: string): { readonly words: readonly string[] } {
  return { words: [binary, "--config", configPath, "ban", "--jail", "bench", "--", "2001:db8:f::{n}"] };
}

async function untilAtEdge(
  madeAt: ReadonlyMap<string, number>,
  host: FleetHost,
  address: string,
): Promise<number> {
  await host.hook(`ban ${address} --jail bench`);
  const recordedAt = performance.now();
  await until(() => madeAt.has(address), { deadlineMs, everyMs: 1, what: host.log });
  return performance.now() - recordedAt;
}

/** How long after a host's hook the others see its ban. */
async function listing(server: Server, host: FleetHost, rounds: number): Promise<number> {
  await using journal = await openFleet(server, { name: "web", now: Date.now });
  const times: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const jail = `bench-${round}`;
    await host.hook(`ban ${networkOf(2e6 + round)} --jail ${jail}`);
    const recordedAt = performance.now();
    await until(async () => (await journal.holds(jail)).length === 1, {
      deadlineMs,
      everyMs: 1,
      what: host.log,
    });
    times.push(performance.now() - recordedAt);
  }
  return median(times);
}

/** The most memory that a process ever had. */
function peakMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;
}
