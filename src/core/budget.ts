/** Cloudflare counts calls over five minutes. Source: developers.cloudflare.com/fundamentals/api/reference/limits. */
export const windowMs = 300_000;

/** Calls are counted in slots of this length, so that the sum over a window is one short query. */
export const slotMs = 5_000;

/** A booked call is made up to a second later, and Cloudflare counts it when it arrives. */
const marginMs = 5_000;

/** How long a slot counts, from its beginning. */
const countedMs = slotMs + windowMs + marginMs;

/** Calls made within one slot, by the moment it began. */
export interface Slot {
  readonly startAt: number;
  readonly calls: number;
}

/**
 * How many of `budget` calls may be made now. A slot counts until its last moment has left the window, and one
 * that the clock has put into the future counts too: its calls were made a moment ago, before the clock moved.
 */
export function allowance(slots: readonly Slot[], now: number, budget: number): number {
  const spent = slots.filter((slot) => counts(slot, now)).reduce((sum, slot) => sum + slot.calls, 0);
  return Math.max(0, budget - spent);
}

/** When a call is possible again after the budget is spent: when the oldest slot no longer counts. */
export function freeAt(slots: readonly Slot[], now: number): number {
  const oldest = Math.min(...slots.filter((slot) => counts(slot, now)).map((slot) => slot.startAt));
  return Number.isFinite(oldest) ? oldest + countedMs : now;
}

/**
 * When so many further calls have been admitted, milliseconds since 1970: what is spent becomes free slot by slot, and
 * what is spent then a window later, and so on.
 */
export function admittedAt(
  calls: number,
  { slots, now, budget }: { readonly slots: readonly Slot[]; readonly now: number; readonly budget: number },
): number {
  const atOnce = allowance(slots, now, budget);
  if (calls <= atOnce) return now;
  const windows = Math.ceil((calls - atOnce) / budget);
  const last = calls - atOnce - (windows - 1) * budget;
  const spent = slots.filter((slot) => counts(slot, now));
  // Below zero where more was spent than the budget is now.
  let free = Math.min(0, budget - spent.reduce((sum, slot) => sum + slot.calls, 0));
  const turns = [...spent, { startAt: now, calls: atOnce }].toSorted((a, b) => a.startAt - b.startAt);
  const turn = turns.find((slot) => (free += slot.calls) >= last);
  return (turn?.startAt ?? now) + windows * countedMs;
}

export function slotOf(now: number): number {
  return Math.floor(now / slotMs) * slotMs;
}

function counts({ startAt }: Slot, now: number): boolean {
  return startAt + countedMs > now && startAt < now + windowMs;
}
