import { canonical } from "../../test/support/cloudflare/configuration.ts";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";

/**
 * When access rules are made, by address, milliseconds since 1970. Told of each rather than asking for all of them
 * again and again: the fake answers the program in the same process.
 */
export function additions(edge: FakeCloudflare): ReadonlyMap<string, number> {
  const madeAt = new Map<string, number>();
  edge.onChange = ({ kind, rule }) => {
    const address = canonical(rule.configuration.value);
    if (kind === "added" && address !== null) madeAt.set(address, Date.now());
  };
  return madeAt;
}
