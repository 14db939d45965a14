import { readAddress } from "./address.ts";
import { strictest } from "./hold.ts";
import type { Due, Site, Standing, Wanted } from "./journal.ts";
import type { Change, Entry } from "./ports.ts";

/** What is to be done at one place; `forget` takes no call: what stands there is not ours. */
export type Step = Change | { readonly kind: "forget"; readonly network: Due["pending"]["network"] };

/** A network, who wants it and what is known of it at the edge. */
export interface Planned extends Standing {
  readonly pending: Pick<Due["pending"], "network">;
}

/** The step that makes a place agree with what is wanted of a network there; null: it already does. */
export function plan({ pending, wants, rows }: Planned, site: Site): Step | null {
  const network = pending.network;
  const wanted = wants.filter((want) => site.profiles.has(want.profile) && !want.outside);
  const mode = strictest(wanted.map((want) => want.mode));
  const jail = wanted.findLast((want) => want.mode === mode)?.jail;
  const row = rows.find((known) => known.place === site.place);
  if (mode === null || jail === undefined || (site.mode !== null && site.mode !== mode)) {
    if (row === undefined) return null;
    return row.owned ? { kind: "remove", network, id: row.id } : { kind: "forget", network };
  }
  // Without a mode, a call whose answer nobody has recorded may have made, changed or removed it.
  if (row === undefined || (row.owned && row.mode === null)) return { kind: "add", network, mode, jail };
  if (!row.owned || row.mode === mode) return null;
  return row.id === null
    ? { kind: "add", network, mode, jail }
    : { kind: "change", network, mode, jail, id: row.id };
}

/** Every step that makes a place agree with all that is wanted, given all that stands there. */
export function stepsAt(
  site: Site,
  wanted: readonly Wanted[],
  entries: readonly Entry[],
): readonly Exclude<Step, { kind: "forget" }>[] {
  const wants = Map.groupBy(wanted, ({ network }) => network);
  const rows = new Map(entries.map((entry) => [entry.network, [{ ...entry, place: site.place }]]));
  return [...new Set([...wants.keys(), ...rows.keys()])].flatMap((text) => {
    const network = readAddress(text);
    if (network === null) return [];
    const step = plan(
      { pending: { network }, wants: wants.get(text) ?? [], rows: rows.get(text) ?? [] },
      site,
    );
    return step === null || step.kind === "forget" ? [] : [step];
  });
}
