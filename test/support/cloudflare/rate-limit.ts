import type { Answer } from "./answer.ts";
import { refusal } from "./answer.ts";

export interface Limit {
  readonly calls: number;
  readonly windowMs: number;
}

/** Cloudflare's own: 1,200 calls in five minutes for each user. */
export const cloudflareLimit: Limit = { calls: 1_200, windowMs: 300_000 };

export interface RateLimiter {
  /** Counts a call; the answer is a refusal when the limit is passed. */
  count(credential: string): Answer | null;
  /** What every answer carries. */
  headers(credential: string): Record<string, string>;
}

/** A sliding window for each credential; a call over the limit shuts the credential out for a whole window. */
export function rateLimiter(limit: () => Limit, now: () => number): RateLimiter {
  const uses = new Map<string, { calls: number[]; blockedUntil: number }>();
  const use = (credential: string) => {
    const entry = uses.getOrInsertComputed(credential, () => ({ calls: [], blockedUntil: -Infinity }));
    entry.calls = entry.calls.filter((at) => at > now() - limit().windowMs);
    return entry;
  };
  const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1000));

  return {
    count(credential) {
      const entry = use(credential);
      if (now() >= entry.blockedUntil && entry.calls.length >= limit().calls) {
        entry.blockedUntil = now() + limit().windowMs;
        entry.calls = [];
      }
      if (now() < entry.blockedUntil) return rateLimited(seconds(entry.blockedUntil - now()));
      entry.calls.push(now());
      return null;
    },
    headers(credential) {
      const { calls, blockedUntil } = use(credential);
      const { calls: quota, windowMs } = limit();
      const blocked = now() < blockedUntil;
      const left = blocked ? 0 : Math.max(0, quota - calls.length);
      const reset = blocked ? blockedUntil - now() : (calls[0] ?? now()) + windowMs - now();
      return {
        Ratelimit: `"default";r=${left};t=${seconds(reset)}`,
        "Ratelimit-Policy": `"default";q=${quota};w=${seconds(windowMs)}`,
      };
    },
  };
}

export function rateLimited(retryAfterS: number): Answer {
  return {
    ...refusal(429, { code: 971, message: "Please wait and consider throttling your request speed" }),
    headers: { "Retry-After": String(retryAfterS) },
  };
}
