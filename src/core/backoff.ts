export interface BackoffOptions {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Milliseconds before the try after the `failures`th failure in a row: doubling, capped, the upper half random. */
export function backoffMs(failures: number, random: () => number, { baseMs, capMs }: BackoffOptions): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(Math.max(failures, 1) - 1, 30));
  return Math.round(full / 2 + (random() * full) / 2);
}
