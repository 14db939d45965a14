import type { Postgres } from "../postgres.ts";
import { urlOf } from "../fleet-host.ts";
import type { Dice } from "./dice.ts";
import type { HostPlan } from "./scenario.ts";

/** The journal that all hosts of a round share. */
export interface ChaosFleet {
  readonly name: string;
  readonly url: string;
  /** Ends every session, as a restart of the database does. */
  endSessions(): Promise<void>;
  /** Lets nobody in from now on, and ends every session. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export const fleetName = "fleet";

/** A new database, which can be away without the others on its server. */
export async function chaosFleet(pg: Postgres): Promise<ChaosFleet> {
  const server = await pg.database();
  const { database } = server;
  const allow = (allowed: boolean) =>
    pg.psql("postgres", `ALTER DATABASE ${database} WITH ALLOW_CONNECTIONS ${allowed}`);
  const endSessions = async (): Promise<void> =>
    void (await pg.psql(
      "postgres",
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`,
    ));
  return {
    name: fleetName,
    url: urlOf(server),
    endSessions,
    async close() {
      await allow(false);
      await endSessions();
    },
    open: async () => void (await allow(true)),
  };
}

/** The name in the marks of what a host blocks. */
export function ownerOf({ fleet, name }: Pick<HostPlan, "fleet" | "name">): string {
  return fleet ?? name;
}

/** Has the database go away and come back until the storm is over. */
export async function databaseTrouble(
  fleet: ChaosFleet,
  roll: Dice,
  { signal, tell }: { readonly signal: AbortSignal; readonly tell: (line: string) => void },
): Promise<void> {
  while (!signal.aborted) {
    await Bun.sleep(roll.whole(300, 4_000));
    if (roll.chance(0.6)) {
      tell("sabotage: every session with the database ends");
      await fleet.endSessions();
      continue;
    }
    const awayMs = roll.whole(200, 3_000);
    tell(`sabotage: the database is away for ${awayMs} ms`);
    await fleet.close();
    await Bun.sleep(awayMs);
    await fleet.open();
  }
}
