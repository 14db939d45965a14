export interface WaitOptions {
  /** Completes "… within N ms" when it was waited for in vain; asked only then, so that it can quote a log. */
  readonly what: string | (() => string | Promise<string>);
  readonly deadlineMs?: number;
  readonly everyMs?: number;
}

/** Waits until the condition yields something true and returns it; throws at the deadline. */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, deadlineMs = 10_000, everyMs = 20 }: WaitOptions,
): Promise<Exclude<T, false | null | undefined | "" | 0>> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, false | null | undefined | "" | 0>;
    if (performance.now() >= giveUpAt) {
      throw new Error(`Not within ${deadlineMs} ms: ${typeof what === "string" ? what : await what()}`);
    }
    await Bun.sleep(everyMs);
  }
}
