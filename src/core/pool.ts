export interface PoolOptions {
  /** How many are under way at once. */
  readonly concurrency: number;
  /** After it aborts no further one begins; those under way are waited for. */
  readonly signal: AbortSignal;
}

/** Runs `work` over the items, some at a time, and yields each result as it comes. */
export async function* pooled<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  { concurrency, signal }: PoolOptions,
): AsyncGenerator<R> {
  const running = new Map<number, Promise<readonly [index: number, result: R]>>();
  const waiting = items.entries();
  const begin = (): void => {
    if (signal.aborted) return;
    const next = waiting.next();
    if (next.done === true) return;
    const [index, item] = next.value;
    running.set(
      index,
      work(item).then((result) => [index, result] as const),
    );
  };
  for (let count = 0; count < concurrency; count += 1) begin();
  while (running.size > 0) {
    const [index, result] = await Promise.race(running.values());
    running.delete(index);
    yield result;
    begin();
  }
}
