import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { tempRoot } from "../../test/support/temp-root.ts";
import { emptyProgram } from "./empty-program.ts";
import { addresses, clientMs } from "./fail2ban-time.ts";
import { installation, variablesOf } from "./installation.ts";
import { nothing, ours, running, serverWith, stockKey, stockToken } from "./peers.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";
import { median } from "./spawn.ts";

const bans = 500;

/** How long fail2ban, which runs one action at a time for all jails, is kept from its work by bans. */
export async function blocked(edge: FakeCloudflare, rounds: number): Promise<Section> {
  edge.latencyMs = 150;
  await using own = await installation(edge);
  using temporary = tempRoot();
  const variables = variablesOf(own.action).map((pair) => pair.join("="));
  const command = [...variables, await emptyProgram(temporary)].join(" ");
  const empty = running("an empty program, built the same way", "empty", command);
  const peers = [nothing, empty, ours(own), stockKey(edge), stockToken(edge)];
  await using fail2ban = await serverWith(...peers);
  const samples: number[][] = peers.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const index of peers.keys()) {
      const jail = `jail${index}`;
      const some = addresses(bans, round * peers.length + index + 1);
      samples[index]?.push((await clientMs(fail2ban, "set", jail, "banip", ...some)) / bans);
    }
  }
  // Its own stop would unban all by the stock actions, for minutes.
  await fail2ban.kill();
  const [floor = Number.NaN, , mine = Number.NaN, key = Number.NaN, token = Number.NaN] = samples.map(median);
  return {
    title: "fail2ban while it bans",
    how: `${bans} bans by \`banip\` under a real fail2ban, API latency ${edge.latencyMs} ms, ${rounds} rounds in turn, medians.`,
    headings: ["action", "ms per ban", "of `/bin/true`"],
    rows: peers.map(({ name }, index) => {
      const each = median(samples[index] ?? []);
      return [name, figure(each), `${figure(each / floor)} ×`];
    }),
    goals: [
      {
        text: "stock to ours, the faster stock action",
        value: Math.min(key, token) / mine,
        least: 10,
        unit: "×",
      },
      { text: "ours to `/bin/true`", value: mine / floor, most: 3, unit: "×" },
    ],
    limits: [
      "The floor is fail2ban's own: a fork of the server, a shell, and its log and database. The empty program shows what of ours is Bun's start.",
    ],
  };
}
