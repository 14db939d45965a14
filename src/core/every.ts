/** Answers true at once, and then once in a time; a clock that was set back delays nothing. */
export function every(everyMs: number, now: () => number): () => boolean {
  let lastAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - lastAt < everyMs && now() >= lastAt) return false;
    lastAt = now();
    return true;
  };
}
