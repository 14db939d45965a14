import type { FakeCloudflare } from "./edge.ts";

/** An answer as a client sees it; what is not JSON is left as text. */
export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Calls the fake as its valid token, `{zone}`, `{account}` and `{list}` replaced by the ids of its first; `headers` replace the credential. */
export async function ask(
  edge: FakeCloudflare,
  call: string,
  options: {
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Asked> {
  const [method = "GET", template = "/"] = call.split(" ");
  const path = template
    .replace("{account}", edge.account.id)
    .replace("{zone}", () => edge.zone.id)
    .replace("{list}", () => edge.lists.idOf(edge.lists.names()[0] ?? ""));
  const { body, signal, headers = { Authorization: `Bearer ${edge.token}` } } = options;
  const response = await fetch(`${edge.url}${path}`, {
    method,
    headers,
    ...(signal === undefined ? {} : { signal }),
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
