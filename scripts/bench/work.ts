import { openSqlite } from "../../src/journal/sqlite.ts";
import type { SqliteJournal } from "../../src/journal/sqlite.ts";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { fillJournal } from "./fill.ts";
import { installation } from "./installation.ts";
import type { Installation } from "./installation.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";
import { runInTurn } from "./spawn.ts";
import type { Sample } from "./spawn.ts";

const list = "fail2ban";

/** Items of one call that adds some. */
const atOnce = 10_000;

/** What a courier takes for many changes at once, and a comparison for many holds of which none has changed. */
export async function work(edge: FakeCloudflare, rounds: number): Promise<Section> {
  edge.latencyMs = 0;
  edge.lists.plan.items = 200_000;
  const measured: [what: string, sample: Sample][] = [];
  for (const count of [1_000, 10_000]) {
    await using own = await emptyList(edge);
    fillJournal(own.journalPath, count, null);
    measured.push([
      `\`deliver\`, ${count.toLocaleString("en")} bans pending`,
      await run(own, 1, "deliver", "--once"),
    ]);
  }
  for (const count of [1_000, 10_000, 100_000]) {
    await using own = await emptyList(edge);
    await deliver(edge, own, count);
    measured.push([`\`sync\`, ${count.toLocaleString("en")} holds`, await run(own, rounds, "sync")]);
  }
  const [few, many, , compared, most] = measured.map(([, sample]) => sample.cpuMs);
  if (few === undefined || many === undefined || compared === undefined || most === undefined)
    throw new Error("nothing was measured");
  return {
    title: "The courier, with much to do",
    how: `A list, API latency ${edge.latencyMs} ms. \`deliver --once\` of bans that have all to go there, once; \`sync\` of holds that are all there, ${rounds} rounds, medians.`,
    headings: ["", "wall ms", "CPU ms", "peak MiB"],
    rows: measured.map(([what, { wallMs, cpuMs, peakMiB }]) => [
      what,
      figure(wallMs),
      figure(cpuMs),
      figure(peakMiB),
    ]),
    goals: [
      {
        text: "CPU of 10,000 pending to ten times that of 1,000",
        value: many / (10 * few),
        most: 1.3,
        unit: "×",
      },
      {
        text: "CPU of `sync` with 100,000 to ten times that with 10,000",
        value: most / (10 * compared),
        most: 1.3,
        unit: "×",
      },
    ],
    limits: [
      "A comparison reads what stands at Cloudflare, 500 items to a call: it grows with what is held, a delivery with what has changed.",
    ],
  };
}

async function emptyList(edge: FakeCloudflare): Promise<Installation> {
  if (edge.lists.names().includes(list)) edge.lists.remove(list);
  const account = JSON.stringify(edge.account.id);
  return installation(edge, { backend: '"list"', account, capacity: String(edge.lists.plan.items) });
}

/** Has so many bans held, and all of them in the list. */
async function deliver(edge: FakeCloudflare, own: Installation, count: number): Promise<void> {
  await run(own, 1, "ban", "--jail", "sshd", "203.0.113.7");
  await run(own, 1, "deliver", "--once");
  const place = await lookInto(own, (journal) => journal.placesOf(""));
  fillJournal(own.journalPath, count, place[0]);
  const held = await lookInto(own, (journal) => journal.wanted());
  const items = held.map(({ network }) => ({ ip: network, comment: "Fail2Ban sshd host:web1" }));
  const path = `/accounts/${edge.account.id}/rules/lists/${edge.lists.idOf(list)}/items`;
  for (let at = 0; at < items.length; at += atOnce) {
    const { ok } = await fetch(`${edge.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${edge.token}`, "content-type": "application/json" },
      body: JSON.stringify(items.slice(at, at + atOnce)),
    });
    if (!ok) throw new Error("Cannot fill the list");
  }
  // It learns by which ids they are there.
  await run(own, 1, "sync");
}

async function lookInto<T>(
  { journalPath }: Installation,
  look: (journal: SqliteJournal) => Promise<T>,
): Promise<T> {
  using journal = openSqlite(journalPath);
  return look(journal);
}

async function run(
  { binary, configPath }: Installation,
  rounds: number,
  ...args: readonly string[]
): Promise<Sample> {
  const words = [binary, "--config", configPath, ...args];
  const [sample] = await runInTurn([{ words }], { rounds, warmup: 0 });
  if (sample === undefined) throw new Error("nothing was measured");
  return sample;
}
