import type { SentItem } from "./sent-items.ts";

/** Does the work of a bulk operation, all of it or nothing, as of a moment; null, or why it failed. */
export type Bulk = (at: number) => string | null;

export type Operation = { readonly id: string } & (
  | { readonly status: "pending" | "running" }
  | { readonly status: "completed"; readonly completed: string }
  | { readonly status: "failed"; readonly completed: string; readonly error: string }
);

/** Asynchronous operations on list items: one at a time in each account. */
export interface BulkDesk {
  /** How long an operation takes, by the fake's clock. */
  delayMs: number;
  /** Items that fail the whole operation that they are in: says why, or null. */
  poison: ((item: SentItem) => string | null) | null;
  /** Begins one; null while another one of the account is under way. */
  begin(account: string, work: Bulk): string | null;
  find(account: string, id: string): Operation | null;
  /** Another tool's operation, which takes this long; refused while one is under way. */
  occupy(account: string, ms: number): void;
  /** Finishes what has had its time: to be called before any state is looked at. */
  settle(): void;
  /** How many operations of clients were begun. */
  readonly begun: number;
  /** How many requests met an operation that was under way. */
  readonly refused: number;
}

interface Running {
  readonly id: string;
  readonly doneAt: number;
  readonly work: Bulk;
}

export function bulkDesk(now: () => number): BulkDesk {
  const running = new Map<string, Running>();
  const finished = new Map<string, Operation>();
  let [begun, refused] = [0, 0];
  const start = (account: string, ms: number, work: Bulk): string => {
    const id = crypto.randomUUID().replaceAll("-", "");
    running.set(account, { id, doneAt: now() + ms, work });
    return id;
  };
  const desk: BulkDesk = {
    delayMs: 0,
    poison: null,
    begin(account, work) {
      desk.settle();
      if (running.has(account)) {
        refused += 1;
        return null;
      }
      begun += 1;
      return start(account, desk.delayMs, work);
    },
    find(account, id) {
      desk.settle();
      if (running.get(account)?.id === id) return { id, status: "running" };
      return finished.get(id) ?? null;
    },
    occupy(account, ms) {
      desk.settle();
      if (!running.has(account)) start(account, ms, () => null);
    },
    settle() {
      for (const [account, { id, doneAt, work }] of running) {
        if (doneAt > now()) continue;
        running.delete(account);
        const error = work(doneAt);
        const completed = new Date(doneAt).toISOString();
        finished.set(
          id,
          error === null
            ? { id, status: "completed", completed }
            : { id, status: "failed", completed, error },
        );
      }
    },
    get begun() {
      return begun;
    },
    get refused() {
      return refused;
    },
  };
  return desk;
}
