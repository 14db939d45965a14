import { Failure } from "../errors.ts";
import type { Fetch } from "../runtime.ts";
import { fieldsOf, readEnvelope } from "./envelope.ts";

/** What Cloudflare answers to somebody it does not know. */
export interface Reached {
  /** When it answered by its own clock, milliseconds since 1970; null where it does not say. */
  readonly at: number | null;
  /** Its own ranges. */
  readonly ranges: readonly string[];
}

export interface ReachOptions {
  readonly fetch: Fetch;
  /** Without a slash at its end, as "https://api.cloudflare.com/client/v4". */
  readonly baseUrl: string;
  readonly signal: AbortSignal;
}

const timeoutMs = 10_000;

/** Asks for Cloudflare's own ranges, for which no credential is needed. Rejects as fetch does, or with a Failure. */
export async function reach({ fetch, baseUrl, signal }: ReachOptions): Promise<Reached> {
  const response = await fetch(`${baseUrl}/ips`, {
    headers: { Accept: "application/json" },
    redirect: "error",
    verbose: false,
    tls: { rejectUnauthorized: true },
    signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]),
  });
  const at = Date.parse(response.headers.get("Date") ?? "");
  const { ipv4_cidrs: ipv4, ipv6_cidrs: ipv6 } = fieldsOf<"ipv4_cidrs" | "ipv6_cidrs">(
    readEnvelope(await response.text())?.result,
  );
  if (!Array.isArray(ipv4) || !Array.isArray(ipv6)) {
    throw new Failure(
      "unavailable",
      `Cannot reach Cloudflare: status ${response.status}, and no answer of its API`,
      {
        hint: `see who answers: curl -i ${baseUrl}/ips; and www.cloudflarestatus.com`,
      },
    );
  }
  return {
    at: Number.isFinite(at) ? at : null,
    ranges: [...ipv4, ...ipv6].filter((range) => typeof range === "string"),
  };
}
