import { expect, test } from "bun:test";
import { binaryPath } from "../support/binary.ts";
import { accessRules } from "../support/chaos/backend.ts";
import { chaosRound } from "../support/chaos/round.ts";
import { scenario } from "../support/chaos/scenario.ts";

/** Other seeds each time: `bun run chaos --short --operations 15 --seed NAME` repeats one. */
const first = Date.now() % 1_000_000;
const seeds = [first, first + 1, first + 2].map(String);

test(`after a storm of bans, restarts, faults and kills the edge is what the model says (seeds ${seeds.join(", ")})`, async () => {
  const binary = await binaryPath();
  const rounds = await Promise.all(
    seeds.map((seed) => {
      const plan = scenario(seed, accessRules, { operations: 15, patient: false });
      return chaosRound(plan, { backend: accessRules, binary, restMs: 60_000 });
    }),
  );
  rounds.forEach(({ story, divergences }, index) => {
    if (divergences.length > 0) console.error([`seed ${seeds[index]}`, ...story].join("\n"));
  });
  expect(rounds.flatMap(({ divergences }) => divergences)).toEqual([]);
}, 180_000);
