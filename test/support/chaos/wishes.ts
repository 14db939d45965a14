import type { Backend } from "./backend.ts";
import type { CrashOptions, CrashPoint } from "./crash.ts";
import { rig } from "./rig.ts";

/** A change of what is held, of which a delivery is cut off. */
export interface Wish {
  /** What was delivered before. */
  readonly before: readonly string[];
  readonly wish: string;
  /** The modes in which 203.0.113.7 stands at the edge in the end. */
  readonly wanted: readonly string[];
  /** What is wished after the crash, before the next courier comes, and what then stands at the edge. */
  readonly next: string;
  readonly nextWanted: readonly string[];
}

export const wishes = {
  "a ban": {
    before: [],
    wish: "ban 203.0.113.7 --jail sshd",
    wanted: ["block"],
    next: "unban 203.0.113.7 --jail sshd",
    nextWanted: [],
  },
  "an unban": {
    before: ["ban 203.0.113.7 --jail sshd"],
    wish: "unban 203.0.113.7 --jail sshd",
    wanted: [],
    next: "ban 203.0.113.7 --jail sshd",
    nextWanted: ["block"],
  },
  "a change of mode": {
    before: ["ban 203.0.113.7 --jail sshd --mode challenge"],
    wish: "ban 203.0.113.7 --jail nginx --mode block",
    wanted: ["block"],
    next: "unban 203.0.113.7 --jail nginx",
    nextWanted: ["challenge"],
  },
} as const satisfies Record<string, Wish>;

export interface CutOff {
  /** The wish is taken back after the crash. */
  readonly revoked: boolean;
  readonly at: CrashOptions["at"];
  readonly point: CrashPoint;
}

/** The modes at each place once the delivery of a wish was cut off and another courier came, and those that are wanted. */
export async function modesAfter(
  backend: Backend,
  places: readonly string[],
  { before, wish, wanted, next, nextWanted }: Wish,
  { revoked, at, point }: CutOff,
): Promise<{ readonly modes: string[][]; readonly wanted: string[][] }> {
  await using site = await rig(backend, places);
  await site.delivered("ban 203.0.113.99 --jail sshd", ...before);
  await site.cutOff(wish, at, point);
  await site.delivered(...(revoked ? [next] : []));
  return { modes: site.modes(), wanted: places.map(() => [...(revoked ? nextWanted : wanted)]) };
}
