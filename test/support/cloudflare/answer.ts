/** What the fake says: Cloudflare's envelope around results and refusals. */

export interface ApiRequest {
  readonly method: string;
  /** Below the API's base, as "/zones". */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  /** Sent as JSON; a string is sent as it is. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiError {
  /** Absent where nobody has ever quoted one. */
  readonly code?: number;
  readonly message: string;
  readonly error_chain?: readonly ApiError[];
  /** Which part of the request is meant. */
  readonly source?: { readonly pointer: string };
}

export interface PageInfo {
  readonly page: number;
  readonly per_page: number;
  readonly count: number;
  readonly total_count: number;
  readonly total_pages: number;
}

export function success(result: unknown, extra: { readonly messages?: readonly ApiError[] } = {}): Answer {
  return { status: 200, body: { success: true, errors: [], messages: extra.messages ?? [], result } };
}

export function refusal(status: number, ...errors: readonly ApiError[]): Answer {
  return { status, body: { success: false, errors, messages: [], result: null } };
}

/** A path that leads nowhere, or an identifier in it that does. */
export function noRoute(path: string): Answer {
  return refusal(
    404,
    { code: 7003, message: `Could not route to ${path}, perhaps your object identifier is invalid?` },
    { code: 7000, message: "No route for that URI" },
  );
}

/** The page that `page` and `per_page` ask for; the status and code of a page size out of bounds are unverified. */
export function pageOf(
  items: readonly unknown[],
  query: URLSearchParams,
  bounds: { readonly min: number; readonly max: number },
): Answer {
  const page = Number(query.get("page") ?? 1);
  const size = Number(query.get("per_page") ?? 20);
  if (!Number.isInteger(page) || page < 1) return refusal(400, { code: 1005, message: "Invalid page" });
  if (!Number.isInteger(size) || size < bounds.min || size > bounds.max) {
    return refusal(400, { code: 1006, message: `Invalid per_page, not ${bounds.min} to ${bounds.max}` });
  }
  const result = items.slice((page - 1) * size, page * size);
  const result_info: PageInfo = {
    page,
    per_page: size,
    count: result.length,
    total_count: items.length,
    total_pages: Math.ceil(items.length / size),
  };
  return { status: 200, body: { success: true, errors: [], messages: [], result, result_info } };
}

/**
 * The page that `cursor` and `per_page` ask for. A page that is too long is refused in the words that clients have
 * reported; the size of a page that asks for none is unverified.
 */
export function cursorPageOf(
  items: readonly unknown[],
  query: URLSearchParams,
  { most }: { readonly most: number },
): Answer {
  const size = Number(query.get("per_page") ?? 25);
  const cursor = query.get("cursor");
  const start = cursor === null ? 0 : Number(Buffer.from(cursor, "base64url").toString());
  if (!Number.isInteger(size) || size < 1 || size > most || !Number.isInteger(start))
    return refusal(400, { code: 10027, message: "invalid or expired cursor" });
  const at = (index: number): string => Buffer.from(String(index)).toString("base64url");
  const cursors = {
    ...(start + size < items.length ? { after: at(start + size) } : {}),
    ...(start > 0 ? { before: at(Math.max(0, start - size)) } : {}),
  };
  const result = items.slice(start, start + size);
  return { status: 200, body: { success: true, errors: [], messages: [], result, result_info: { cursors } } };
}

/** The JSON of a request's body; null for none, and for what is no JSON. */
export function jsonBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
