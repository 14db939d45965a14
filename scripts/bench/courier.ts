import { openSqlite } from "../../src/journal/sqlite.ts";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { fillJournal } from "./fill.ts";
import { installation } from "./installation.ts";
import { figure } from "./report.ts";
import type { Section } from "./report.ts";
import { runInTurn } from "./spawn.ts";
import type { Sample } from "./spawn.ts";

const sizes = [1_000, 10_000, 100_000];

/** What a pass of the courier costs when nothing has changed, by what is held. */
export async function courier(edge: FakeCloudflare, rounds: number): Promise<Section> {
  edge.latencyMs = 0;
  const samples: Sample[] = [];
  for (const held of sizes) {
    await using own = await installation(edge);
    // The first pass looks up the zone and compares, as a new journal asks for.
    openSqlite(own.journalPath)[Symbol.dispose]();
    const pass = { words: [own.binary, "--config", own.configPath, "deliver", "--once"] };
    await runInTurn([pass], { rounds: 1, warmup: 0 });
    fillJournal(own.journalPath, held, `zone:${edge.zone.id}`);
    const [sample] = await runInTurn([pass], { rounds, warmup: 1 });
    if (sample !== undefined) samples.push(sample);
  }
  const [few, , many] = samples;
  if (few === undefined || many === undefined) throw new Error("nothing was measured");
  return {
    title: "The courier, with nothing to do",
    how: `\`deliver --once\` over a journal of delivered holds, ${rounds} rounds, medians.`,
    headings: ["holds", "wall ms", "CPU ms", "peak MiB"],
    rows: samples.map(({ wallMs, cpuMs, peakMiB }, index) => [
      (sizes[index] ?? 0).toLocaleString("en"),
      figure(wallMs),
      figure(cpuMs),
      figure(peakMiB),
    ]),
    goals: [
      {
        text: "wall time with 100,000 holds to that with 1,000",
        value: many.wallMs / few.wallMs,
        most: 2,
        unit: "×",
      },
    ],
    limits: [
      "The hourly comparison with the edge is another matter: it reads every rule, a hundred to a call.",
    ],
  };
}
