import type { Turns } from "../core/turns.ts";
import { Failure } from "../errors.ts";
import type { Call } from "./client.ts";
import { fieldsOf } from "./envelope.ts";

/** How an operation on a list's items ended; "refused": it was not begun; "gone": there is no such list. */
export type Ended =
  | { readonly kind: "completed" }
  | { readonly kind: "failed" | "refused"; readonly reason: string }
  | { readonly kind: "gone" };

/** An operation on items that Cloudflare does in its own time. */
export interface BulkRequest {
  readonly method: "POST" | "DELETE";
  readonly path: string;
  readonly body: unknown;
}

/** Makes an operation and waits for its end. Throws where it cannot be begun or does not end in time. */
export type Bulk = (request: BulkRequest, signal: AbortSignal) => Promise<Ended>;

export interface BulkOptions {
  readonly call: Call;
  /** Of the account's lists, below the API's base. */
  readonly path: string;
  /** Cloudflare does one operation of an account at a time. */
  readonly turns: Turns;
  /** Resolves after a while, or at once when the program is asked to end. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Waits between looks at an operation; one takes about a second. */
const looksMs = [1_000, 1_000, 2_000, 4_000, 8_000] as const;

/** Waits while another operation of the account is under way, be it another tool's. */
const turnsMs = [1_000, 2_000, 4_000, 8_000] as const;

/** An operation that takes longer goes on at Cloudflare, and is found done later. */
const patienceMs = 60_000;

/** Operations on the items of one account's lists. */
export function bulkOf({ call, path, turns, sleep }: BulkOptions): Bulk {
  async function operate(request: BulkRequest, signal: AbortSignal): Promise<Ended> {
    const waits = waiting(turnsMs, sleep, signal);
    for (;;) {
      const { method, path: items, body } = request;
      const answer = await call(method, items, { body, turns: "one at a time" });
      if (answer.ok) return follow(operationIn(answer.result), signal);
      if (answer.status === 404) return { kind: "gone" };
      if (answer.status !== 429 && answer.status !== 409) return { kind: "refused", reason: answer.message };
      if (!(await waits.next())) throw notYet("another change of this account's lists is under way");
    }
  }

  async function follow(operation: string, signal: AbortSignal): Promise<Ended> {
    const waits = waiting(looksMs, sleep, signal);
    while (await waits.next()) {
      const answer = await call("GET", `${path}/bulk_operations/${operation}`);
      if (!answer.ok) throw notYet(`it does not say how its change of a list goes: ${answer.message}`);
      const { status, error } = fieldsOf<"status" | "error">(answer.result);
      if (status === "completed") return { kind: "completed" };
      if (status === "failed")
        return { kind: "failed", reason: typeof error === "string" ? error : "no reason given" };
    }
    throw notYet("its change of a list goes on");
  }

  return (request, signal) => turns(() => operate(request, signal));
}

/** Waits that grow; false when there has been enough of them, or the program is asked to end. */
function waiting(
  stepsMs: readonly number[],
  sleep: BulkOptions["sleep"],
  signal: AbortSignal,
): { next(): Promise<boolean> } {
  let [count, waitedMs] = [0, 0];
  return {
    async next() {
      const ms = stepsMs[Math.min(count, stepsMs.length - 1)] ?? 1_000;
      if (signal.aborted || waitedMs + ms > patienceMs) return false;
      await sleep(ms, signal);
      count += 1;
      waitedMs += ms;
      return !signal.aborted;
    },
  };
}

function operationIn(result: unknown): string {
  const { operation_id } = fieldsOf<"operation_id">(result);
  if (typeof operation_id === "string" && /^[\w-]{1,64}$/.test(operation_id)) return operation_id;
  throw new Failure("unavailable", "Cloudflare answered without an operation when asked to change a list");
}

/** It is tried again soon: nothing is wrong but the time that it takes. */
function notYet(state: string): Failure {
  return new Failure("unavailable", `Cloudflare needs more time: ${state}`, { retryAfterMs: 5_000 });
}
