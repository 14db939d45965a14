import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { until } from "../../test/support/wait.ts";
import { addresses, clientMs } from "./fail2ban-time.ts";
import { installation } from "./installation.ts";
import { nothing, ours, serverWith, stockKey } from "./peers.ts";
import type { Peer } from "./peers.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";
import { median } from "./spawn.ts";

const bans = 500;

interface Restart {
  readonly ms: number;
  readonly calls: number;
}

/** What a restart of fail2ban with many bans costs. */
export async function restart(edge: FakeCloudflare, rounds: number): Promise<Section> {
  edge.latencyMs = 0;
  await using own = await installation(edge);
  const peers = [nothing, ours(own), stockKey(edge)];
  const samples: Restart[][] = [];
  for (const [index, peer] of peers.entries())
    samples.push(await restarts(edge, peer, index === 2 ? 1 : rounds));
  const ms = samples.map((some) => median(some.map((one) => one.ms)));
  const calls = samples.map((some) => Math.max(...some.map((one) => one.calls)));
  const [floor = Number.NaN, mine = Number.NaN] = ms;
  return {
    title: "A restart of fail2ban with 500 bans",
    how: `\`fail2ban-client stop\`, start, until all ${bans} bans are restored. ${rounds} restarts, medians; the stock action once, with an API that answers at once.`,
    headings: ["action", "ms", "of `/bin/true`", "API calls"],
    rows: peers.map(({ name }, index) => {
      const wall = ms[index] ?? Number.NaN;
      return [name, figure(wall), `${figure(wall / floor)} ×`, String(calls[index])];
    }),
    goals: [
      { text: "API calls of ours", value: calls[1] ?? Number.NaN, most: 0, unit: "calls" },
      { text: "API calls of stock", value: calls[2] ?? Number.NaN, least: 3 * bans, unit: "calls" },
      { text: "ours to `/bin/true` with a flush", value: mine / floor, most: 3, unit: "×" },
    ],
    limits: [
      "fail2ban runs an action for each ban that it restores: those are the hooks of the first chapter.",
    ],
  };
}

async function restarts(edge: FakeCloudflare, peer: Peer, rounds: number): Promise<Restart[]> {
  await using fail2ban = await serverWith(peer);
  const all = addresses(bans, 0xf);
  await clientMs(fail2ban, "set", "jail0", "banip", ...all);
  const isStored = () => fail2ban.stored("jail0").length === bans;
  const isDelivered = () => peer.name === nothing.name || edge.blocked().length >= bans;
  await until(() => isStored() && isDelivered(), { what: "all bans at the edge", deadlineMs: 120_000 });
  const done: Restart[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = edge.calls.length;
    const began = performance.now();
    await clientMs(fail2ban, "stop");
    await fail2ban.kill();
    await fail2ban.start();
    await until(() => count(fail2ban.log(), "Restore Ban") === bans * (round + 1), {
      what: "all bans restored",
      deadlineMs: 120_000,
    });
    done.push({ ms: performance.now() - began, calls: edge.calls.length - before });
  }
  await clientMs(fail2ban, "unban", "--all");
  return done;
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
