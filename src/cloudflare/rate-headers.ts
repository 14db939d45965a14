/** Milliseconds of a Retry-After header, in seconds or as a date; undefined for none or nonsense. */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  if (header.trim() !== "" && Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const wait = Date.parse(header) - now;
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

/** Milliseconds until calls are possible again, from `Ratelimit: "default";r=0;t=30`; null while some are left. */
export function exhausted(header: string | null): number | null {
  const match = /;\s*r=(\d+)\s*;\s*t=(\d+)/.exec(header ?? "");
  return match?.[1] === "0" ? Number(match[2]) * 1_000 : null;
}
