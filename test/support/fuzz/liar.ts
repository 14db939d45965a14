import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { Reaction } from "../cloudflare/listener.ts";
import { listen } from "../cloudflare/listener.ts";

/** A server that says anything, until it is told to be honest: then it is the fake behind it. */
export function liar(edge: FakeCloudflare) {
  let answers: readonly Reaction[] | null = null;
  let calls = 0;
  const base = new URL(edge.url);
  const server = listen(0, async ({ method, path, query, headers, body }) => {
    calls += 1;
    const lie = answers?.[calls % answers.length];
    if (lie !== undefined) return lie;
    const search = query.size > 0 ? `?${query}` : "";
    const real = await fetch(`${base.origin}${path}${search}`, {
      method,
      headers: { Authorization: headers.get("Authorization") ?? "", "Content-Type": "application/json" },
      ...(body === "" ? {} : { body }),
    });
    return { status: real.status, body: await real.text() };
  });
  return {
    url: `http://127.0.0.1:${server.port}${base.pathname}`,
    lie(next: readonly Reaction[]): void {
      answers = next;
      calls = 0;
    },
    tellTheTruth: () => void (answers = null),
    calls: () => calls,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
