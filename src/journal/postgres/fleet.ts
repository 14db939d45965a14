import { Failure } from "../../errors.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import { allPauses, callLedger } from "./calls.ts";
import { deliveryLedger } from "./deliveries.ts";
import { factLedger } from "./facts.ts";
import { historyLedger } from "./history.ts";
import { hostLedger } from "./hosts.ts";
import { joining } from "./join.ts";
import { overviewLedger } from "./overview.ts";
import { resultLedger } from "./results.ts";
import { roomLedger } from "./room.ts";
import { clock, courierLock, migrate } from "./schema.ts";
import { connect, labelOf } from "./session.ts";
import type { Server, Session } from "./session.ts";
import { viewLedger } from "./views.ts";

/** When somebody last asked for the courier's lock; what was asked longer ago counts no more, should it have been killed. */
const askedFact = "asked_at";
const askedMs = 1_000;

export interface OpenFleetOptions {
  /** What the fleet is called in the marks of its rules. */
  readonly name: string;
  /** This host's clock. */
  now(): number;
}

/** Opens the journal of a fleet; an unavailable failure where it cannot be, a config failure where it is another's. */
export async function openFleet(server: Server, { name, now }: OpenFleetOptions): Promise<FleetJournal> {
  const session = await connect(server);
  try {
    await migrate(session, server);
    const look = clockReader(session, now);
    await look.changes();
    const facts = factLedger(session.run);
    await session.run("INSERT INTO facts (name, value) VALUES ('fleet', $1) ON CONFLICT DO NOTHING", [name]);
    const known = (await facts.fact("fleet")) ?? "";
    if (known !== name) throw anotherFleet(server, name, known);
    return {
      ...callLedger(session.run),
      ...deliveryLedger(session),
      ...facts,
      ...historyLedger(session, look.aheadMs),
      ...hostLedger(session),
      ...joining(session),
      ...overviewLedger(session.run),
      ...resultLedger(session.run),
      ...roomLedger(session),
      ...viewLedger(session.run),
      ...look,
      over: session.over,
      rejections: async () => (await allPauses(session.run)).filter(({ kind }) => kind === "rejected"),
      async ask() {
        await session.run(
          `INSERT INTO facts (name, value) VALUES ($1, ${clock}) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
          [askedFact],
        );
      },
      async lead() {
        const [taken] = await session.run<{ mine: boolean }>(
          `SELECT pg_try_advisory_lock(${courierLock}) AS mine`,
        );
        return taken?.mine === true;
      },
      async follow() {
        await session.run(`SELECT pg_advisory_unlock(${courierLock})`);
      },
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

function anotherFleet(server: Server, name: string, found: string): Failure {
  return new Failure(
    "config",
    `Cannot use "${labelOf(server)}" for fleet "${name}": it is the journal of fleet "${found}"`,
    {
      hint: `name = "${found}" in [fleet], or another database`,
    },
  );
}

/** What a look at the database tells. */
function clockReader(
  { run }: Session,
  now: () => number,
): Pick<FleetJournal, "aheadMs" | "changes" | "isAsked"> {
  let aheadMs = 0;
  let asked = false;
  return {
    aheadMs: () => aheadMs,
    isAsked: () => asked,
    async changes() {
      const askedAt = now();
      const [row] = await run<{ now: number; changes: number; asked: number | null }>(
        `SELECT (${clock})::float8 AS now, (SELECT coalesce(sum(changes), 0)::float8 FROM hosts) AS changes,
           (SELECT value::float8 FROM facts WHERE name = $1) AS asked`,
        [askedFact],
      );
      asked = row !== undefined && row.asked !== null && Math.abs(row.now - row.asked) < askedMs;
      aheadMs = Math.round((row?.now ?? askedAt) - (askedAt + now()) / 2);
      return row?.changes ?? 0;
    },
  };
}
