import { expect, test } from "bun:test";
import { cloudflareClient } from "../../src/cloudflare/client.ts";
import { Secret } from "../../src/secret.ts";

/** A client whose one call meets an answer, and the waits that its gate was told of. */
function meeting(status: number, body: unknown, headers: Record<string, string> = {}) {
  const pauses: (number | undefined)[] = [];
  const call = cloudflareClient({
    fetch: async () =>
      new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers }),
    baseUrl: "http://127.0.0.1:1",
    credential: { kind: "token", token: new Secret("test-token-valid") },
    gate: { admit: async () => {}, limited: async (afterMs) => void pauses.push(afterMs) },
    hardStop: new AbortController().signal,
    userAgent: "test",
    now: Date.now,
  });
  return { pauses, write: () => call("POST", "/items", { body: [], turns: "one at a time" }) };
}

const refusal = (code: number, message = "busy") => ({ success: false, errors: [{ code, message }] });

test.each([
  ["429 without a code that is known", 429, refusal(10_099)],
  ["429 without any code", 429, { success: false, errors: [{ message: "pending" }] }],
  ["409", 409, refusal(1_000)],
])("that another operation has the turn is an answer: %s", async (_, status, body) => {
  const { pauses, write } = meeting(status, body, { Ratelimit: '"default";r=50;t=30' });
  expect(await write()).toMatchObject({ ok: false, status });
  expect(pauses).toEqual([]);
});

test.each([
  ["code 971", refusal(971), {}],
  ["code 10429", refusal(10_429), {}],
  ["code 10040, the limit of lists", refusal(10_040), {}],
  ["a time to wait", refusal(10_099), { "Retry-After": "30" }],
  ["no calls left", refusal(10_099), { Ratelimit: '"default";r=0;t=30' }],
  ["a page of HTML", "<html>", {}],
] as const)("a 429 with %s is the rate limit, and pauses the credential", async (_, body, headers) => {
  const { pauses, write } = meeting(429, body, headers);
  await expect(write()).rejects.toMatchObject({ kind: "unavailable" });
  expect(pauses).toHaveLength(1);
});

test("what the plan does not allow is an answer, not a bad credential", async () => {
  const { write } = meeting(403, refusal(10_038, "exceeded maximum number of lists"));
  expect(await write()).toMatchObject({ ok: false, codes: [10_038] });
  const { write: other } = meeting(403, refusal(10_000, "Authentication error"));
  await expect(other()).rejects.toMatchObject({ kind: "rejected" });
});
