import { afterAll, beforeAll, describe } from "bun:test";
import { namedWith, needing } from "./needing.ts";
import { postgres, postgresObstacle } from "./postgres.ts";
import type { Postgres } from "./postgres.ts";

/** A test that starts PostgreSQL servers itself. */
export const postgresTest = needing(postgresObstacle, 180_000);

/** Tests that share a PostgreSQL server, which is there once they run. */
export function describePostgres(name: string, tests: (server: () => Postgres) => void): void {
  describe.skipIf(postgresObstacle !== null)(namedWith(postgresObstacle, name), () => {
    let shared: Postgres | null = null;
    beforeAll(async () => {
      shared = await postgres();
    }, 120_000);
    afterAll(() => shared?.[Symbol.asyncDispose](), 60_000);
    tests(() => {
      if (shared === null) throw new Error("PostgreSQL has not started yet");
      return shared;
    });
  });
}
