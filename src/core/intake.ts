import { Failure } from "../errors.ts";
import type { Address } from "./address.ts";
import { cover, mostNetworks, widen } from "./cover.ts";
import type { Reach } from "./cover.ts";
import { ignoredBy, refuseUnsafe } from "./guard.ts";
import type { Guard } from "./guard.ts";

export interface IntakeOptions {
  readonly guard: Guard;
  /** Length of the network that is blocked for one IPv6 address. */
  readonly ipv6Prefix: number;
  /** What the edge can block. */
  readonly reach: Reach;
}

/**
 * The networks to block for an address; null when the configuration says to ignore it. Throws a usage failure for an
 * address that must not or cannot be blocked.
 */
export function intake(
  address: Address,
  { guard, ipv6Prefix, reach }: IntakeOptions,
): readonly Address[] | null {
  if (ignoredBy(address, guard) !== undefined) return null;
  refuseUnsafe(address, guard);
  const wide = widen(address, ipv6Prefix);
  const networks = cover(wide.text === address.text || isSafe(wide, guard) ? wide : address, reach);
  if (networks !== null) return networks;
  throw new Failure(
    "usage",
    `Cannot ban "${address.text}": it takes more than ${mostNetworks} access rules to cover it`,
    {
      hint: 'set backend = "list", or ban smaller networks: from /8 of IPv4; /24 to /32, /40 to /48, /56 to /64 or from /120 of IPv6',
    },
  );
}

/** Whether the widened network hits nobody that the address alone would not. */
function isSafe(wide: Address, guard: Guard): boolean {
  if (ignoredBy(wide, guard) !== undefined) return false;
  try {
    refuseUnsafe(wide, guard);
    return true;
  } catch {
    return false;
  }
}
