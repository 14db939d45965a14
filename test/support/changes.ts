import { parseAddress } from "../../src/core/address.ts";
import type { Mode } from "../../src/core/hold.ts";
import type { Blocklist, Change, Settled } from "../../src/core/ports.ts";
import { Failure } from "../../src/errors.ts";

/** What the jail sshd on web1 marks its blocks with. */
export const mark = "Fail2Ban sshd host:web1";

export function add(network: string, mode: Mode = "block"): Change {
  return { kind: "add", network: parseAddress(network), mode, jail: "sshd" };
}

export function remove(network: string, id: string | null = null): Change {
  return { kind: "remove", network: parseAddress(network), id };
}

/** Has a place make changes, to their end. */
export async function made(
  place: Blocklist,
  changes: readonly Change[],
  signal = new AbortController().signal,
): Promise<Settled[]> {
  return Array.fromAsync(place.apply(changes, signal));
}

/** What changes came to: the outcome of each, or the kind of its failure. */
export function outcomes(settled: readonly Settled[]): string[] {
  return settled.map((one) => {
    if ("outcome" in one) return one.outcome;
    return one.failure instanceof Failure ? one.failure.kind : String(one.failure);
  });
}
