import type { FactLedger } from "./journal.ts";

/** Whether the moment of a fact is longer ago than `everyMs`, or in the future after the clock was set back. */
export async function isOver(
  journal: Pick<FactLedger, "fact">,
  fact: string,
  everyMs: number,
  now: number,
): Promise<boolean> {
  const at = Number((await journal.fact(fact)) ?? 0);
  return now - at >= everyMs || at > now;
}
