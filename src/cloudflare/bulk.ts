import type { Turns } from "../core/turns.ts";
import { Failure } from "../errors.ts";
import type { Call } from "./client.ts";
import { fieldsOf } from "./envelope.ts";
import { patience } from "./patience.ts";
import type { Sleep } from "./patience.ts";

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

/** Makes an operation and waits for its end. Throws `Taken`, or a Failure where it does not end in time. */
export type Bulk = (request: BulkRequest, signal: AbortSignal) => Promise<Ended>;

/** Another operation of the account is under way: when it has ended, the list may not be what it was before. */
export class Taken extends Error {}

export interface BulkOptions {
  readonly call: Call;
  /** Of the account's lists, below the API's base. */
  readonly path: string;
  /** Cloudflare does one operation of an account at a time. */
  readonly turns: Turns;
  readonly sleep: Sleep;
}

/** Waits between looks at an operation; one takes about a second. */
const looksMs = [1_000, 1_000, 2_000, 4_000, 8_000] as const;

/** Operations on the items of one account's lists. */
export function bulkOf({ call, path, turns, sleep }: BulkOptions): Bulk {
  async function begin({ method, path: items, body }: BulkRequest, signal: AbortSignal): Promise<Ended> {
    // Its turn may have come after the signal: nobody would see how it ends.
    if (signal.aborted) throw notYet("the courier is to end");
    const answer = await call(method, items, { body, turns: "one at a time" });
    if (answer.ok) return follow(operationIn(answer.result), signal);
    if (answer.status === 429 || answer.status === 409) throw new Taken();
    return answer.status === 404 ? { kind: "gone" } : { kind: "refused", reason: answer.message };
  }

  /** One that takes too long goes on at Cloudflare, and is found done later. */
  async function follow(operation: string, signal: AbortSignal): Promise<Ended> {
    const looks = patience(looksMs, sleep, signal);
    while (await looks.wait()) {
      const answer = await call("GET", `${path}/bulk_operations/${operation}`);
      if (!answer.ok) throw notYet(`it does not say how its change of a list goes: ${answer.message}`);
      const { status, error } = fieldsOf<"status" | "error">(answer.result);
      if (status === "completed") return { kind: "completed" };
      if (status === "failed")
        return { kind: "failed", reason: typeof error === "string" ? error : "no reason given" };
    }
    throw notYet("its change of a list goes on");
  }

  return (request, signal) => turns(() => begin(request, signal));
}

function operationIn(result: unknown): string {
  const { operation_id } = fieldsOf<"operation_id">(result);
  if (typeof operation_id === "string" && /^[\w-]{1,64}$/.test(operation_id)) return operation_id;
  throw new Failure("unavailable", "Cloudflare answered without an operation when asked to change a list");
}

/** Nothing is wrong but the time that it takes: it is tried again soon. */
export function notYet(state: string): Failure {
  return new Failure("unavailable", `Cloudflare needs more time: ${state}`, { retryAfterMs: 5_000 });
}
