import type { HoldLedger, Wanted } from "./ports.ts";
import type { HoldDifference } from "./recover.ts";

/** Has the journal hold what fail2ban bans, and nothing that it does not ban any more. */
export async function mendHolds(
  journal: HoldLedger,
  { missing, moved, over }: HoldDifference,
  now: number,
): Promise<void> {
  for (const hold of [...missing, ...moved]) await journal.hold(hold, now);
  for (const { address, ...holder } of over) await journal.release(holder, address, now);
}

/** What is wanted once the journal has been mended. */
export function wantedOnceMended(
  wanted: readonly Wanted[],
  { missing, over }: HoldDifference,
): readonly Wanted[] {
  const keyOf = (profile: string, jail: string, address: string): string => `${profile}\n${jail}\n${address}`;
  const gone = new Set(over.map(({ profile, jail, address }) => keyOf(profile, jail, address.text)));
  return [
    ...wanted.filter(({ profile, jail, address }) => !gone.has(keyOf(profile, jail, address))),
    ...missing.flatMap(({ profile, jail, mode, address, networks }) =>
      networks.map((network) => ({
        profile,
        jail,
        mode,
        address: address.text,
        network: network.text,
        outside: false,
      })),
    ),
  ];
}
