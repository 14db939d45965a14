import { Database } from "bun:sqlite";
import type { Call, FakeCloudflare } from "../fake-cloudflare.ts";
import { until } from "../wait.ts";

/** Moments of a delivery between two of its steps. */
export const crashPoints = [
  "before anything is recorded",
  "before the call is processed",
  "after the call, before its answer",
  "after the answer, before it is recorded",
  "after one place is recorded, before the delivery is settled",
] as const;
export type CrashPoint = (typeof crashPoints)[number];

export interface CrashOptions {
  readonly edge: FakeCloudflare;
  /** Which of its calls it is killed at. */
  readonly at: (call: Pick<Call, "method" | "path">) => boolean;
  readonly journalPath: string;
  /** Starts a courier. */
  readonly start: () => void;
  readonly kill: () => Promise<unknown>;
}

/** How long a courier that wants to write to the journal is given to come to that point; it cannot get past it. */
const blockedMs = 300;

/** Starts a courier and kills it at exactly this point; returns when it is dead. */
export async function crashAt(point: CrashPoint, options: CrashOptions): Promise<void> {
  const { edge, at, start, kill } = options;
  const dead = Promise.withResolvers<void>();
  const die = async (): Promise<void> => {
    edge.onRequest = edge.onAnswer = null;
    await kill();
    dead.resolve();
  };
  // What a dead courier has sent and nobody has looked at is lost with its connection.
  const lose = (): void => edge.fail({ kind: "reset" }, { when: at });
  switch (point) {
    case "before anything is recorded": {
      using _lock = writeLock(options.journalPath);
      start();
      await Bun.sleep(blockedMs);
      await die();
      break;
    }
    case "before the call is processed":
      edge.onRequest = async (call) => {
        if (!at(call)) return;
        await die();
        lose();
      };
      start();
      break;
    case "after the call, before its answer":
      edge.onAnswer = async (call) => void (at(call) && (await die()));
      start();
      break;
    case "after the answer, before it is recorded":
      edge.onAnswer = (call) => {
        if (!at(call)) return;
        edge.onAnswer = null;
        const lock = writeLock(options.journalPath);
        void Bun.sleep(blockedMs)
          .then(die)
          .finally(() => lock[Symbol.dispose]());
      };
      start();
      break;
    case "after one place is recorded, before the delivery is settled":
      await crashBetweenPlaces(options, die, lose);
  }
  await dead.promise;
  edge.heal();
}

/** Holds back the second place's call, and kills once the first place's answer is in the journal. */
async function crashBetweenPlaces(
  { edge, at, journalPath, start }: CrashOptions,
  die: () => Promise<void>,
  lose: () => void,
): Promise<void> {
  const second = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const version = changeCounter(journalPath);
  let requests = 0;
  edge.onRequest = async (call) => {
    if (!at(call)) return;
    requests += 1;
    if (requests === 1) return second.promise;
    second.resolve();
    await over.promise;
    lose();
  };
  edge.onAnswer = (call) => {
    if (!at(call)) return;
    const before = version();
    void until(() => version() !== before, {
      what: "a record of the first place's answer",
      everyMs: 1,
      deadlineMs: 60_000,
    })
      .then(die)
      .finally(over.resolve);
  };
  start();
}

/** SQLite's own lock: who else wants to write waits. */
function writeLock(path: string): Disposable {
  const db = new Database(path);
  db.run("PRAGMA busy_timeout = 5000");
  db.run("BEGIN IMMEDIATE");
  return { [Symbol.dispose]: () => db.close() };
}

/** A number that changes with every transaction of another process. */
function changeCounter(path: string): () => number {
  const db = new Database(path);
  const query = db.query<{ data_version: number }, []>("PRAGMA data_version");
  return () => query.get()?.data_version ?? 0;
}
