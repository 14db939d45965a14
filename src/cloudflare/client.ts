import { Failure } from "../errors.ts";
import type { Fetch } from "../runtime.ts";
import type { Secret } from "../secret.ts";
import type { Gate } from "../core/gate.ts";
import { bodyOf } from "./body.ts";
import { readAnswer } from "./read-answer.ts";

/** A credential as Cloudflare takes it: an API token, or an account's email address with its Global API Key. */
export type Credential =
  | { readonly kind: "token"; readonly token: Secret }
  | { readonly kind: "key"; readonly email: string; readonly key: Secret };

/** What a call came to: its result, of whatever shape, or an error of Cloudflare about this one request. */
export type Answer =
  | {
      readonly ok: true;
      readonly result: unknown;
      readonly totalPages: number;
      /** Where the next page begins, for what is paged so; null: this is the last. */
      readonly cursor: string | null;
    }
  | {
      readonly ok: false;
      readonly status: number;
      readonly codes: readonly number[];
      readonly message: string;
    };

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  /** "one at a time": Cloudflare takes no second such call while one is at work; that answer is then given back. */
  readonly turns?: "one at a time";
}

/** Makes one call; throws a Failure where the credential or the API as a whole is the matter. */
export type Call = (
  method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE",
  path: string,
  options?: CallOptions,
) => Promise<Answer>;

export interface ClientOptions {
  readonly fetch: Fetch;
  /** Without a slash at its end, as "https://api.cloudflare.com/client/v4". */
  readonly baseUrl: string;
  readonly credential: Credential;
  readonly gate: Pick<Gate, "admit" | "limited">;
  /** Ends calls under way. */
  readonly hardStop: AbortSignal;
  readonly userAgent: string;
  now(): number;
}

/** A call takes well under a second; one that takes this long will not answer. */
const callTimeoutMs = 15_000;

export function cloudflareClient({
  fetch,
  baseUrl,
  credential,
  gate,
  hardStop,
  userAgent,
  now,
}: ClientOptions): Call {
  const headers = { ...credentialHeaders(credential), Accept: "application/json", "User-Agent": userAgent };
  return async (method, path, { query, body, turns } = {}) => {
    await gate.admit();
    const search = query === undefined ? "" : `?${new URLSearchParams(mapValues(query, String))}`;
    const what = `${method} ${path}`;
    const { response, text } = await send(what, () =>
      fetch(`${baseUrl}${path}${search}`, {
        method,
        headers: body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: "error",
        verbose: false,
        tls: { rejectUnauthorized: true },
        signal: AbortSignal.any([AbortSignal.timeout(callTimeoutMs), hardStop]),
      }),
    );
    return readAnswer(what, response, text, { gate, now, turns });
  };
}

async function send(
  what: string,
  request: () => Promise<Response>,
): Promise<{ response: Response; text: string }> {
  const { response, text } = await attempt(what, async () => {
    const answered = await request();
    return { response: answered, text: await bodyOf(answered) };
  });
  if (text !== null) return { response, text };
  throw new Failure("unavailable", `Cannot use Cloudflare's answer to ${what}: it has no end`);
}

async function attempt<T>(what: string, exchange: () => Promise<T>): Promise<T> {
  try {
    return await exchange();
  } catch (error) {
    throw new Failure("unavailable", `Cannot reach Cloudflare for ${what}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function credentialHeaders(credential: Credential): Record<string, string> {
  return credential.kind === "token"
    ? { Authorization: `Bearer ${credential.token.reveal()}` }
    : { "X-Auth-Email": credential.email, "X-Auth-Key": credential.key.reveal() };
}

/** Why a request failed, without what it carried: fetch's messages may quote a header. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  if (error.name === "TimeoutError") return `no answer in ${callTimeoutMs / 1_000} s`;
  if (error.name === "AbortError") return "stopped";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
