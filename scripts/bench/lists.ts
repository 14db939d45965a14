import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { fillJournal } from "./fill.ts";
import { installation } from "./installation.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";
import { runInTurn } from "./spawn.ts";

const bans = 10_000;

/** Calls that the API's limits make necessary: list, its making, the rule's ruleset, the rule, one addition, one look at it. */
const necessary = 6;

/** Ten thousand bans at the edge, from nothing. */
export async function lists(edge: FakeCloudflare): Promise<Section> {
  edge.latencyMs = 50;
  await using own = await installation(edge, {
    backend: '"list"',
    account: JSON.stringify(edge.account.id),
    zones: '["example.com"]',
  });
  fillJournal(own.journalPath, bans, null);
  const began = edge.calls.length;
  const [courier] = await runInTurn(
    [{ words: [own.binary, "--config", own.configPath, "deliver", "--once"] }],
    { rounds: 1, warmup: 0 },
  );
  if (courier === undefined || edge.blocked().length !== bans) throw new Error("not all is at the edge");
  const calls = edge.calls.length - began;
  const { wallMs, cpuMs, peakMiB } = courier;
  const bound = necessary * edge.latencyMs;
  return {
    title: "Lists: ten thousand bans from nothing",
    how: `${bans.toLocaleString("en")} bans pending in the journal, no list and no rule at Cloudflare, API latency ${edge.latencyMs} ms: one pass of the courier, once.`,
    headings: ["calls", "s", "CPU s", "peak MiB", "bound, s"],
    rows: [
      [String(calls), figure(wallMs / 1_000), figure(cpuMs / 1_000), figure(peakMiB), figure(bound / 1_000)],
    ],
    goals: [
      { text: "calls", value: calls, most: 25, unit: "calls" },
      { text: "calls to those that the API makes necessary", value: calls / necessary, most: 5, unit: "×" },
    ],
    limits: [
      `The bound is ${necessary} calls of one round trip each. What is above it is the look at the bulk operation, which begins at once and grows longer, and the journal's writes.`,
    ],
  };
}
