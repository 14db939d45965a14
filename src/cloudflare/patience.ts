/** Resolves after a while, or at once when the signal aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** Waits that grow, up to a minute in all. */
export interface Patience {
  /** False when there has been enough of it, or the program is asked to end. */
  wait(): Promise<boolean>;
}

const longestMs = 60_000;

/** The last of the steps is repeated. */
export function patience(stepsMs: readonly number[], sleep: Sleep, signal: AbortSignal): Patience {
  let [count, waitedMs] = [0, 0];
  return {
    async wait() {
      const ms = stepsMs[Math.min(count, stepsMs.length - 1)] ?? longestMs;
      if (signal.aborted || waitedMs + ms > longestMs) return false;
      await sleep(ms, signal);
      count += 1;
      waitedMs += ms;
      return !signal.aborted;
    },
  };
}
