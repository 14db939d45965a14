import type { Address } from "../core/address.ts";
import { readAddress } from "../core/address.ts";
import { quoted } from "../core/text.ts";
import { Failure } from "../errors.ts";
import type { Fetch } from "../runtime.ts";
import { bodyOf } from "./body.ts";
import { fieldsOf, readEnvelope } from "./envelope.ts";

const timeoutMs = 15_000;

/** What nginx is told to believe must not be half the Internet, whoever answers. Cloudflare's widest are /12 and /29. */
const shortest = { inet4: 8, inet6: 16 } as const;

export interface PublishedRangesOptions {
  readonly fetch: Fetch;
  /** Without a slash at its end, as "https://api.cloudflare.com/client/v4". */
  readonly baseUrl: string;
  readonly userAgent: string;
}

/** Cloudflare's own ranges as it publishes them; takes no credential. Throws an unavailable failure for anything else. */
export async function publishedRanges({
  fetch,
  baseUrl,
  userAgent,
}: PublishedRangesOptions): Promise<readonly Address[]> {
  const url = `${baseUrl}/ips`;
  const refuse = (state: string, cause?: unknown): Failure =>
    new Failure("unavailable", `Cannot use Cloudflare's ranges from "${url}": ${state}`, {
      hint: "without --refresh, those that came with this program are used",
      cause,
    });
  const ask = async (): Promise<string | null> =>
    bodyOf(
      await fetch(url, {
        headers: { Accept: "application/json", "User-Agent": userAgent },
        redirect: "error",
        verbose: false,
        tls: { rejectUnauthorized: true },
        signal: AbortSignal.timeout(timeoutMs),
      }),
    );
  const text = await ask().catch((error: unknown) => {
    throw refuse(codeOf(error), error);
  });
  if (text === null) throw refuse("the answer has no end");
  const envelope = readEnvelope(text);
  if (envelope?.success !== true) throw refuse(envelope?.message || "the answer is not what it should be");
  const { ipv4_cidrs, ipv6_cidrs } = fieldsOf<"ipv4_cidrs" | "ipv6_cidrs">(envelope.result);
  const families = [
    ["inet4", ipv4_cidrs],
    ["inet6", ipv6_cidrs],
  ] as const;
  return families.flatMap(([family, ranges]) => {
    if (!Array.isArray(ranges) || ranges.length === 0) throw refuse(`it names none of family ${family}`);
    return ranges.map((range: unknown) => {
      const network = typeof range === "string" && range.includes("/") ? readAddress(range) : null;
      if (network?.family !== family || network.prefix < shortest[family])
        throw refuse(`${quoted(String(range))} is no range of Cloudflare`);
      return network;
    });
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "no answer";
  if (error.name === "TimeoutError") return `no answer in ${timeoutMs / 1_000} s`;
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
