import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { until } from "../../test/support/wait.ts";
import { additions } from "./additions.ts";
import { addresses, clientMs, decidedAt } from "./fail2ban-time.ts";
import { installation } from "./installation.ts";
import type { Installation } from "./installation.ts";
import { ours, serverWith, stockToken } from "./peers.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";
import { median } from "./spawn.ts";

const storm = 500;

/** Calls that the courier has under way at once. */
const concurrency = 8;

/** From fail2ban's decision to the rule at the edge. */
export async function arrival(edge: FakeCloudflare, rounds: number): Promise<Section> {
  edge.latencyMs = 50;
  const madeAt = additions(edge);
  await using own = await installation(edge);
  const peers = [ours(own), stockToken(edge)];
  await using fail2ban = await serverWith(...peers);
  const singles: number[][] = peers.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const index of peers.keys()) {
      const [address = ""] = addresses(1, 0x100 + round * peers.length + index);
      await own.quiet();
      await clientMs(fail2ban, "set", `jail${index}`, "banip", address);
      await arrived(madeAt, [address]);
      singles[index]?.push(
        (madeAt.get(address) ?? Number.NaN) - decidedAt(fail2ban, `jail${index}`, address),
      );
    }
  }
  const storms: number[] = [];
  for (const index of peers.keys()) {
    await own.quiet();
    storms.push(await stormMs(madeAt, own, () => fail2banStorm(index)));
  }
  async function fail2banStorm(index: number): Promise<readonly string[]> {
    const some = addresses(storm, 0x200 + index);
    await clientMs(fail2ban, "set", `jail${index}`, "banip", ...some);
    return some;
  }
  // Its own stop would unban all by the stock action, for a minute.
  await fail2ban.kill();
  const [single = Number.NaN, stockSingle = Number.NaN] = singles.map(median);
  const [mine = Number.NaN, stock = Number.NaN] = storms;
  const bound = (storm / concurrency) * edge.latencyMs;
  return {
    title: "From the ban to the rule at the edge",
    how: `API latency ${edge.latencyMs} ms. One ban on an idle system, from fail2ban's log line to the rule, ${rounds} rounds in turn, medians; then ${storm} bans by \`banip\`, from the command to the last rule.`,
    headings: ["action", "one ban, ms", `${storm} bans, s`],
    rows: peers.map(({ name }, index) => [
      name,
      figure(median(singles[index] ?? [])),
      figure((storms[index] ?? Number.NaN) / 1_000),
    ]),
    goals: [
      { text: "one ban: ours to stock", value: single / stockSingle, most: 1.3, unit: "×" },
      { text: `${storm} bans: stock to ours`, value: stock / mine, least: 8, unit: "×" },
      {
        text: `${storm} bans: ours to the bound of latency and concurrency`,
        value: mine / bound,
        most: 3,
        unit: "×",
      },
    ],
    limits: [
      `The bound of one ban is one round trip, ${edge.latencyMs} ms: ours takes ${figure(single / edge.latencyMs)} times that.`,
      `The bound of ${storm} bans is ${figure(bound / 1_000)} s: ${concurrency} calls at once, ${edge.latencyMs} ms each. fail2ban itself takes the time of the chapter above to hand them over. Beyond 1,200 calls in five minutes, Cloudflare's own limit is the bound.`,
    ],
  };
}

async function stormMs(
  madeAt: ReadonlyMap<string, number>,
  own: Installation,
  begin: () => Promise<readonly string[]>,
): Promise<number> {
  const began = Date.now();
  const all = await begin();
  await arrived(madeAt, all);
  const last = Math.max(...all.map((address) => madeAt.get(address) ?? Number.NaN));
  await own.quiet();
  return last - began;
}

async function arrived(madeAt: ReadonlyMap<string, number>, all: readonly string[]): Promise<void> {
  const isThere = (): boolean => all.every((address) => madeAt.has(address));
  await until(isThere, { what: "the rules at the edge", deadlineMs: 300_000, everyMs: 50 });
}
