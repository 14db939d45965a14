import type { Mode } from "../core/hold.ts";
import { isOurMark, mark } from "../core/mark.ts";
import type { Change, Settled } from "../core/ports.ts";
import type { Bulk } from "./bulk.ts";
import { batches, inBulk } from "./halving.ts";
import { itemRow } from "./list-item.ts";
import type { ListItems } from "./list-items.ts";

export interface ListChanges {
  readonly items: ListItems;
  readonly bulk: Bulk;
  /** Of the list's items, below the API's base. */
  readonly path: string;
  /** Cloudflare's id of the list. */
  readonly list: string;
  readonly mode: Mode;
  readonly host: string;
}

export type Addition = Extract<Change, { kind: "add" }>;
export type Removal = Extract<Change, { kind: "remove" }>;

/** An item of ours, and the change that it is to be removed for. */
type Doomed = readonly [change: Removal, id: string];

/** Adds what is not there. To add what is there would overwrite its comment, and with it the mark of its owner. */
export async function* addItems(
  { items, bulk, path, list, mode, host }: ListChanges,
  changes: readonly Addition[],
  signal: AbortSignal,
): AsyncGenerator<Settled> {
  const there = await items.lookUp(
    list,
    changes.map(({ network }) => network),
  );
  const missing: Addition[] = [];
  for (const change of changes) {
    const item = there.get(change.network.text);
    if (item === undefined) missing.push(change);
    else yield { change, outcome: "present", row: itemRow(item, mode, host) };
  }
  const what = ({ network }: Addition): string => `ban ${network.text}`;
  const operate = (part: readonly Addition[]) => {
    const body = part.map(({ network, jail }) => ({ ip: network.text, comment: mark(jail, host) }));
    return bulk({ method: "POST", path, body }, signal);
  };
  for await (const verdict of inBulk(missing, { what, operate }, signal)) {
    const { one: change } = verdict;
    const row = { network: change.network.text, id: null, mode, owned: true };
    if ("failure" in verdict) yield { change, failure: verdict.failure };
    else if (verdict.ended === "full") yield { change, outcome: "full", row: null };
    else yield { change, outcome: "added", row };
  }
}

/** Removes what is ours. It is looked at first, whatever id is known: somebody may have made it his own. */
export async function* removeItems(
  changing: ListChanges,
  changes: readonly Removal[],
  signal: AbortSignal,
): AsyncGenerator<Settled> {
  const { bulk, path } = changing;
  const what = ([{ network }]: Doomed): string => `unban ${network.text}`;
  const operate = (part: readonly Doomed[]) =>
    bulk({ method: "DELETE", path, body: { items: part.map(([, id]) => ({ id })) } }, signal);
  const unsure: Removal[] = [];
  for (const batch of batches(yield* findItems(changing, changes))) {
    if (signal.aborted) return;
    const ended = await operate(batch);
    const settled = batch.map(([change]) => change);
    if (ended.kind === "completed") yield* settled.map(removed);
    else unsure.push(...settled);
  }
  // Where a removal was refused, some of it may have gone since it was looked at.
  const left = yield* findItems(changing, unsure);
  for await (const verdict of inBulk(left, { what, operate }, signal)) {
    const [change] = verdict.one;
    yield "failure" in verdict ? { change, failure: verdict.failure } : removed(change);
  }
}

/** Finds what is ours; of the others there is nothing to remove. */
async function* findItems(
  { items, list, host }: ListChanges,
  changes: readonly Removal[],
): AsyncGenerator<Settled, Doomed[]> {
  if (changes.length === 0) return [];
  const there = await items.lookUp(
    list,
    changes.map(({ network }) => network),
  );
  const found: Doomed[] = [];
  for (const change of changes) {
    const item = there.get(change.network.text);
    if (item !== undefined && isOurMark(item.comment, host)) found.push([change, item.id]);
    else yield absent(change);
  }
  return found;
}

/** There is nothing of ours to remove. */
export function absent(change: Removal): Settled {
  return { change, outcome: "absent", row: null };
}

function removed(change: Removal): Settled {
  return { change, outcome: "removed", row: null };
}
