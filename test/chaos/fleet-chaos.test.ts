import { expect } from "bun:test";
import { binaryPath } from "../support/binary.ts";
import { accessRules } from "../support/chaos/access-rules.ts";
import { chaosFleet } from "../support/chaos/fleet.ts";
import { chaosRound } from "../support/chaos/round.ts";
import { scenario } from "../support/chaos/scenario.ts";
import { postgres } from "../support/postgres.ts";
import { postgresTest } from "../support/postgres-tests.ts";

/** Another seed each time: `bun run chaos --journal postgres --short --operations 10 --seed NAME` repeats one. */
const seed = String(Date.now() % 1_000_000);

postgresTest(
  `a fleet: after a storm over three hosts and their database the edge is what the model says (seed ${seed})`,
  async () => {
    await using pg = await postgres();
    const plan = scenario(seed, accessRules, { operations: 10, patient: false, fleet: true });
    const { divergences, story } = await chaosRound(plan, {
      backend: accessRules,
      binary: await binaryPath(),
      fleet: await chaosFleet(pg),
      restMs: 60_000,
    });
    if (divergences.length > 0) console.error([`seed ${seed}`, ...story].join("\n"));
    expect(divergences).toEqual([]);
  },
);
