import { expect, test } from "bun:test";
import { binaryPath } from "../support/binary.ts";
import { backends } from "../support/chaos/backends.ts";
import { chaosRound } from "../support/chaos/round.ts";
import { scenario } from "../support/chaos/scenario.ts";

/** Other seeds each time: `bun run chaos --short --operations 15 --backend NAME --seed NAME` repeats one. */
const first = Date.now() % 1_000_000;
const seeds = [first, first + 1, first + 2].map(String);

test.each(backends.map((backend) => [backend.name, backend] as const))(
  `%s: after a storm of bans, restarts, faults and kills the edge is what the model says (seeds ${seeds.join(", ")})`,
  async (_, backend) => {
    const binary = await binaryPath();
    const rounds = await Promise.all(
      seeds.map((seed) => {
        const plan = scenario(seed, backend, { operations: 15, patient: false });
        return chaosRound(plan, { backend, binary, restMs: 60_000 });
      }),
    );
    rounds.forEach(({ story, divergences }, index) => {
      if (divergences.length > 0) console.error([`seed ${seeds[index]}`, ...story].join("\n"));
    });
    expect(rounds.flatMap(({ divergences }) => divergences)).toEqual([]);
  },
  180_000,
);
