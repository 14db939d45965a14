import { Failure } from "../errors.ts";
import type { Answer, CallOptions, ClientOptions } from "./client.ts";
import { readEnvelope } from "./envelope.ts";
import type { Envelope } from "./envelope.ts";

/** Codes about the credential, whatever the status. Source: Cloudflare's answers to bad tokens, by path. */
const credentialCodes = new Set([1000, 1001, 6003, 6111, 9103, 9106, 9109, 10000, 10502]);

/** Codes of rate limits. Source: seen with status 429; 10040 is that of lists, 10100 an old one. */
const limitCodes = new Set([971, 10429, 10040, 10100]);

/** Codes of what the plan does not allow, which say nothing of the credential. Source: seen with status 403 for lists. */
const planCodes = new Set([10038]);

/** What an answer of Cloudflare comes to; throws a Failure where the credential or the API as a whole is the matter. */
export async function readAnswer(
  what: string,
  response: Response,
  text: string,
  {
    gate,
    now,
    turns,
  }: Pick<ClientOptions, "gate" | "now"> & { readonly turns: CallOptions["turns"] | undefined },
): Promise<Answer> {
  const { status } = response;
  const body = readEnvelope(text);
  const codes = body?.codes ?? [];
  const message = body?.message || `status ${status}`;
  const retryAfterMs = retryAfter(response.headers.get("Retry-After"), now());
  const spent = exhausted(response.headers.get("Ratelimit"));
  const limited = codes.some((code) => limitCodes.has(code)) || retryAfterMs !== undefined || spent !== null;
  // That another call has the turn is a 429 as well, yet with no time to wait and no limit's code.
  const taken = status === 409 || (status === 429 && body !== null && !limited);
  if (turns !== undefined && taken) return refused(status, body);
  if (status === 429 || codes.some((code) => limitCodes.has(code))) {
    const said = `Cloudflare asks for fewer calls: ${message}`;
    await gate.limited(retryAfterMs, said);
    throw new Failure("unavailable", said, waitOf(retryAfterMs));
  }
  if (status === 408 || status >= 500 || body === null) {
    const state = body === null && status < 500 ? `status ${status} without JSON` : `status ${status}`;
    throw new Failure("unavailable", `Cloudflare cannot do ${what}: ${state}`, waitOf(retryAfterMs));
  }
  if (body.success && status < 400) {
    if (spent !== null) await gate.limited(spent, "Cloudflare says that no calls are left for now");
    return { ok: true, result: body.result, totalPages: body.totalPages, cursor: body.cursor };
  }
  if (codes.some((code) => planCodes.has(code))) return refused(status, body);
  if (status === 401 || status === 403 || codes.some((code) => credentialCodes.has(code))) {
    throw new Failure("rejected", `Cloudflare rejects the credential for ${what}: ${message}`, {
      hint: "check the token and its permissions, then run: fail2ban-cloudflare deliver --once",
    });
  }
  if (codes.includes(7003)) {
    throw new Failure("config", `Cloudflare does not know the id in ${what}: ${message}`, {
      hint: "check zones and account in the configuration",
    });
  }
  return refused(status, body);
}

function refused(status: number, body: Envelope | null): Answer {
  return { ok: false, status, codes: body?.codes ?? [], message: body?.message || `status ${status}` };
}

function waitOf(retryAfterMs: number | undefined): { retryAfterMs?: number } {
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

/** Milliseconds of a Retry-After header, in seconds or as a date; undefined for none or nonsense. */
function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  if (header.trim() !== "" && Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const wait = Date.parse(header) - now;
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

/** Milliseconds until calls are possible again, from `Ratelimit: "default";r=0;t=30`; null while some are left. */
function exhausted(header: string | null): number | null {
  const match = /;\s*r=(\d+)\s*;\s*t=(\d+)/.exec(header ?? "");
  return match?.[1] === "0" ? Number(match[2]) * 1_000 : null;
}
