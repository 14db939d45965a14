import { Failure } from "../errors.ts";
import type { Ended } from "./bulk.ts";
import { Gone } from "./list-items.ts";

/** Items of one operation. Cloudflare names no limit; 8,491 were seen to work. */
const mostItems = 5_000;

/** Operations that may fail before the rest is put off: halves of halves must not eat the budget of calls. */
const mostFailures = 32;

/** How one of many fared: "full" where there was no room for it. */
export type Verdict<T> =
  { readonly one: T; readonly ended: "completed" | "full" } | { readonly one: T; readonly failure: Failure };

export interface Halving<T> {
  /** What is asked for, as in "Cloudflare refuses to ban 192.0.2.1". */
  what(one: T): string;
  /** One operation for all of a part; it does all or nothing. */
  operate(part: readonly T[]): Promise<Ended>;
}

/**
 * Does the same for many in as few operations as can be. One that fails says nothing of which of its items is to blame:
 * it is found by halving, and the others are done. Throws `Gone` where there is no such list.
 */
export async function* inBulk<T>(
  all: readonly T[],
  { what, operate }: Halving<T>,
  signal: AbortSignal,
): AsyncGenerator<Verdict<T>> {
  const parts = batches(all);
  const blamed: { readonly one: T; readonly ended: Extract<Ended, { reason: string }> }[] = [];
  let [completed, failures] = [false, 0];
  for (let part = parts.shift(); part !== undefined && !signal.aborted; part = parts.shift()) {
    const [first, ...others] = part;
    if (first === undefined) continue;
    const ended = await operate(part);
    if (ended.kind === "gone") throw new Gone();
    if (ended.kind === "completed") {
      completed = true;
      for (const one of part) yield { one, ended: "completed" };
    } else if (others.length > 0) {
      failures += 1;
      if (failures > mostFailures) throw notNow(ended.reason);
      parts.unshift(...halves(part));
    } else if (isFull(ended.reason)) {
      // Nothing that comes after it would find room.
      for (const one of [...part, ...parts.splice(0).flat()]) yield { one, ended: "full" };
    } else blamed.push({ one: first, ended });
  }
  for (const { one, ended } of blamed) {
    // Where nothing was done, it need not be the item's fault.
    const atFault = completed || ended.kind === "refused";
    yield { one, failure: atFault ? refusal(what(one), ended.reason) : notNow(ended.reason) };
  }
}

export function batches<T>(all: readonly T[]): (readonly T[])[] {
  const count = Math.ceil(all.length / mostItems);
  return Array.from({ length: count }, (_, index) => all.slice(index * mostItems, (index + 1) * mostItems));
}

function halves<T>(part: readonly T[]): readonly (readonly T[])[] {
  const middle = Math.ceil(part.length / 2);
  return [part.slice(0, middle), part.slice(middle)];
}

/** Cloudflare's words, from an example in its OpenAPI document. */
function isFull(reason: string): boolean {
  return /maximum number of items/i.test(reason);
}

function refusal(what: string, reason: string): Failure {
  return new Failure("refused", `Cloudflare refuses to ${what}: ${reason}`);
}

function notNow(reason: string): Failure {
  return new Failure("unavailable", `Cloudflare fails to change a list: ${reason}`);
}
