/**
 * Rounds of chaos with the real binary against the fake Cloudflare; ends with 1 when the edge is ever not what the
 * model says. Usage: `bun run chaos [OPTION]...`
 *
 * --seed NAME      this round; may be given several times
 * --seeds N        so many rounds (10), numbered
 * --from N         from this number on; default: another each time
 * --backend NAME   what blocks at the edge: access-rules (the default) or list
 * --journal NAME   sqlite (the default), or postgres: three hosts that share a journal
 * --operations N   for each jail (30)
 * --jobs N         rounds at once (4)
 * --short          without what takes minutes, as in the tests
 * --rest S         seconds until all must be delivered once faults have ended (3600: a small budget takes its time)
 * --story          everything that happened, not only when a round fails
 */
import { parseArgs } from "node:util";
import { binaryPath } from "../test/support/binary.ts";
import { backendNamed } from "../test/support/chaos/backends.ts";
import { chaosFleet } from "../test/support/chaos/fleet.ts";
import { addFigures, describeFigures, noFigures } from "../test/support/chaos/figures.ts";
import { chaosRound } from "../test/support/chaos/round.ts";
import { postgres } from "../test/support/postgres.ts";
import { scenario } from "../test/support/chaos/scenario.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", multiple: true, default: [] },
    seeds: { type: "string", default: "10" },
    from: { type: "string", default: String(Date.now() % 1_000_000) },
    backend: { type: "string", default: "access-rules" },
    journal: { type: "string", default: "sqlite" },
    operations: { type: "string", default: "30" },
    jobs: { type: "string", default: "4" },
    short: { type: "boolean", default: false },
    rest: { type: "string", default: "3600" },
    story: { type: "boolean", default: false },
  },
});

const backend = backendNamed(values.backend);
const binary = await binaryPath();
await using pg = values.journal === "postgres" ? await postgres() : null;
const numbers = Array.from({ length: Number(values.seeds) }, (_, index) => Number(values.from) + index);
const seeds = values.seed.length > 0 ? [...values.seed] : numbers.map(String);
const total = noFigures();
const startedAt = Date.now();

async function work(): Promise<void> {
  for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
    const plan = scenario(seed, backend, {
      operations: Number(values.operations),
      patient: !values.short,
      fleet: pg !== null,
    });
    const { figures, story, divergences } = await chaosRound(plan, {
      backend,
      binary,
      ...(pg === null ? {} : { fleet: await chaosFleet(pg) }),
      restMs: Number(values.rest) * 1_000,
    });
    addFigures(total, figures);
    const kills = figures.hooksKilled + figures.couriersKilled;
    console.log(
      `seed ${seed}: ${figures.operations} operations, ${figures.calls} calls, ${kills} kills, ${divergences.length} divergences`,
    );
    if (divergences.length > 0 || values.story)
      console.log([...story, ...divergences.map((line) => `DIVERGENCE: ${line}`)].join("\n"));
  }
}

await Promise.all(Array.from({ length: Number(values.jobs) }, work));
console.log(describeFigures(total));
console.log(`${Math.round((Date.now() - startedAt) / 1_000)} s`);
process.exitCode = total.divergences === 0 ? 0 : 1;
