import { cloudflareRanges } from "./guard.ts";
import type { FactLedger } from "./journal.ts";

const fact = "cloudflare_ranges";

/** Cloudflare's own ranges: those built in, and those that a courier has been told of since. */
export async function knownRanges(facts: Pick<FactLedger, "fact">): Promise<readonly string[]> {
  const told = (await facts.fact(fact))?.split(" ") ?? [];
  return [...new Set([...cloudflareRanges, ...told])];
}

export async function rememberRanges(
  facts: Pick<FactLedger, "setFact">,
  ranges: readonly string[],
): Promise<void> {
  await facts.setFact(fact, ranges.join(" "));
}
