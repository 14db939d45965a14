import { existsSync } from "node:fs";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { until } from "../../test/support/wait.ts";
import { clientMs } from "./fail2ban-time.ts";
import { installation } from "./installation.ts";
import { nothing, ours, serverWith, stockToken } from "./peers.ts";
import type { Peer } from "./peers.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";
import { median } from "./spawn.ts";

/** How long a jail that has nothing to do with Cloudflare waits for its ban while Cloudflare hangs. */
export async function hang(edge: FakeCloudflare, rounds: number): Promise<Section> {
  edge.latencyMs = 0;
  await using own = await installation(edge);
  const peers = [nothing, ours(own), stockToken(edge)];
  const samples: number[][] = peers.map(() => []);
  edge.fail({ kind: "hang" }, { times: Number.POSITIVE_INFINITY });
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, peer] of peers.entries()) {
        // Once is enough for what takes two minutes.
        if (index === 2 && round > 0) continue;
        samples[index]?.push(await delayBehind(peer));
      }
    }
  } finally {
    edge.heal();
  }
  const [floor = Number.NaN, mine = Number.NaN, stock = Number.NaN] = samples.map(median);
  return {
    title: "Another jail while Cloudflare hangs",
    how: `A ban in a jail with the action, then one in another jail that only touches a file: milliseconds until it has. ${rounds} rounds in turn, medians; the stock action once.`,
    headings: ["action of the first jail", "ms until the other's ban"],
    rows: peers.map(({ name }, index) => [name, figure(median(samples[index] ?? []))]),
    goals: [
      { text: "delay behind ours to that behind `/bin/true`", value: mine / floor, most: 1.5, unit: "×" },
      { text: "delay behind stock to that behind ours", value: stock / mine, least: 100, unit: "×" },
    ],
    limits: [
      "Most of the floor is `fail2ban-client` itself: a Python program that asks the server over a socket.",
    ],
  };
}

async function delayBehind(peer: Peer): Promise<number> {
  await using fail2ban = await serverWith(peer, touching());
  const first = clientMs(fail2ban, "set", "jail0", "banip", "2001:db8::1");
  const jail = "[jail0] Ban 2001:db8::1";
  await until(() => fail2ban.log().includes(jail), { what: () => `"${jail}" in ${fail2ban.log()}` });
  const began = performance.now();
  const second = clientMs(fail2ban, "set", "jail1", "banip", "2001:db8::2");
  await until(() => existsSync(`${fail2ban.directory}/touched`), {
    what: "the other jail's ban",
    deadlineMs: 300_000,
    everyMs: 1,
  });
  const delay = performance.now() - began;
  await Promise.all([first, second]);
  return delay;
}

function touching(): Peer {
  return {
    name: "touch",
    prepare(fail2ban) {
      fail2ban.write(
        "action.d/touching.conf",
        `[Definition]\nactionban = /usr/bin/touch '${fail2ban.directory}/touched'\nactionunban = /bin/true\n`,
      );
      return "touching";
    },
  };
}
