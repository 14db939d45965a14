/**
 * Rounds of chaos with the real binary against the fake Cloudflare; ends with 1 when the edge is ever not what the
 * model says. `bun run chaos [--seed NAME]... [--seeds N] [--from N] [--operations N] [--jobs N] [--short] [--story]`;
 * `--short` leaves out what takes minutes, as the tests do.
 */
import { parseArgs } from "node:util";
import { binaryPath } from "../test/support/binary.ts";
import { accessRules } from "../test/support/chaos/backend.ts";
import { addFigures, describeFigures, noFigures } from "../test/support/chaos/figures.ts";
import { chaosRound } from "../test/support/chaos/round.ts";
import { scenario } from "../test/support/chaos/scenario.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", multiple: true, default: [] },
    seeds: { type: "string", default: "10" },
    from: { type: "string", default: String(Date.now() % 1_000_000) },
    operations: { type: "string", default: "30" },
    rest: { type: "string", default: "900000" },
    jobs: { type: "string", default: "4" },
    short: { type: "boolean", default: false },
    story: { type: "boolean", default: false },
  },
});

const binary = await binaryPath();
const numbered = Array.from({ length: Number(values.seeds) }, (_, index) =>
  String(Number(values.from) + index),
);
const waiting = values.seed.length > 0 ? [...values.seed] : numbered;
const total = noFigures();
const startedAt = Date.now();

async function work(): Promise<void> {
  for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
    const plan = scenario(seed, accessRules, {
      operations: Number(values.operations),
      patient: !values.short,
    });
    const round = await chaosRound(plan, { backend: accessRules, binary, restMs: Number(values.rest) });
    addFigures(total, round.figures);
    const { operations, calls, hooksKilled, couriersKilled } = round.figures;
    console.log(
      `seed ${seed}: ${operations} operations, ${calls} calls, ${hooksKilled + couriersKilled} kills, ${round.divergences.length} divergences`,
    );
    if (round.divergences.length > 0 || values.story)
      console.log([...round.story, ...round.divergences.map((line) => `DIVERGENCE: ${line}`)].join("\n"));
  }
}

await Promise.all(Array.from({ length: Number(values.jobs) }, work));
console.log(describeFigures(total));
console.log(`${Math.round((Date.now() - startedAt) / 1_000)} s`);
process.exitCode = total.divergences === 0 ? 0 : 1;
