import type { Address } from "./address.ts";

/** What Cloudflare does with a request, strictest first; `whitelist` is a human's and never ours to set. */
export const modes = ["block", "challenge", "managed_challenge", "js_challenge"] as const;
export type Mode = (typeof modes)[number];

export function isMode(text: string): text is Mode {
  return (modes as readonly string[]).includes(text);
}

/** Who holds: one jail on one host, through one profile of the configuration ("" is the main one). */
export interface Holder {
  readonly profile: string;
  readonly jail: string;
  readonly host: string;
}

/** One jail on one host wants one address blocked. */
export interface Hold extends Holder {
  readonly address: Address;
  /** What is blocked for it at the edge: one network or several that cover the address exactly. */
  readonly networks: readonly Address[];
  readonly mode: Mode;
  /** When it ends, milliseconds since 1970; null: never. */
  readonly untilAt: number | null;
}

/** A flush comes at a stop, a restart and an "unban --all"; what follows within this time tells which it was. */
export const flushedMs = 10_000;

/** The mode of a network that several jails hold: the strictest; null where nobody holds it. */
export function strictest(wanted: readonly Mode[]): Mode | null {
  return modes.find((mode) => wanted.includes(mode)) ?? null;
}
