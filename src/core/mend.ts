import type { Holder } from "./hold.ts";
import type { HoldLedger, Wanted } from "./journal.ts";
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
  const gone = new Set(over.map(({ address, ...holder }) => keyOf({ ...holder, address: address.text })));
  return [
    ...wanted.filter((want) => !gone.has(keyOf(want))),
    ...missing.flatMap(({ profile, jail, host, mode, address, networks }) =>
      networks.map((network) => ({
        profile,
        jail,
        host,
        mode,
        address: address.text,
        network: network.text,
        outside: false,
      })),
    ),
  ];
}

function keyOf({ profile, jail, host, address }: Holder & { readonly address: string }): string {
  return [profile, jail, host, address].join("\n");
}
