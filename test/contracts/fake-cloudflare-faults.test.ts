import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { ask } from "../support/cloudflare/ask.ts";
import type { FakeCloudflare, Fault } from "../support/fake-cloudflare.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";

const rules = "/zones/{zone}/firewall/access_rules/rules";
const body = { mode: "block", configuration: { target: "ip", value: "203.0.113.7" } };
const block = (edge: FakeCloudflare) => ask(edge, `POST ${rules}`, { body });

describe("a fault in place of processing", () => {
  test.each([
    [
      { kind: "status", status: 503 },
      { status: 503, body: { success: false, errors: [{ code: 503 }] } },
    ],
    [
      { kind: "status", status: 403, code: 10000, message: "no" },
      { status: 403, body: { errors: [{ code: 10000 }] } },
    ],
    [
      { kind: "status", status: 500, body: "Internal error" },
      { status: 500, body: "Internal error" },
    ],
    [
      { kind: "status", status: 200, body: { success: false } },
      { status: 200, body: { success: false } },
    ],
    [
      { kind: "html", status: 403 },
      { status: 403, body: expect.stringContaining("<html") },
    ],
    [
      { kind: "html", status: 200 },
      { status: 200, body: expect.stringContaining("<html") },
    ],
    [
      { kind: "rateLimited", retryAfterS: 30 },
      { status: 429, body: { errors: [{ code: 971 }] } },
    ],
  ] as [Fault, object][])("%j answers and does nothing", async (fault, answer) => {
    await using edge = fakeCloudflare();
    edge.fail(fault);
    expect(await block(edge)).toMatchObject(answer);
    expect(edge.blocked()).toEqual([]);
    expect(edge.violations).toEqual([]);
  });

  test("a page for a browser says that it is HTML", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "html", status: 503 });
    expect((await block(edge)).headers.get("Content-Type")).toStartWith("text/html");
  });

  test("a status fault carries its own headers", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "status", status: 503, headers: { "Retry-After": "7" } });
    expect((await block(edge)).headers.get("Retry-After")).toBe("7");
  });

  test("rateLimited says how long to wait", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "rateLimited", retryAfterS: 30 });
    const { headers } = await block(edge);
    expect([headers.get("Retry-After"), headers.has("Ratelimit")]).toEqual(["30", true]);
  });
});

describe("reset", () => {
  test("the connection ends without an answer and nothing was done", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "reset" });
    expect(await block(edge).catch(({ code }) => code)).toBe("ECONNRESET");
    expect(edge.blocked()).toEqual([]);
  });

  test.each(["reset", "lostAnswer"] as const)("%s is a TCP reset and not a mere end", async (kind) => {
    await using edge = fakeCloudflare();
    edge.fail({ kind });
    expect(await fate(edge)).toBe("ECONNRESET");
  });

  test("the next request is answered", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "reset" });
    await block(edge).catch(() => {});
    expect(await block(edge)).toMatchObject({ status: 200 });
  });
});

describe("lostAnswer", () => {
  test("the request is done though no answer comes", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "lostAnswer" });
    expect(await block(edge).catch(({ code }) => code)).toBe("ECONNRESET");
    expect(await block(edge)).toMatchObject({ body: { errors: [{ code: 10009 }] } });
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
    expect(edge.calls.map(({ status }) => status)).toEqual([null, 400]);
  });
});

describe("hang", () => {
  test("no answer comes until the client gives up, and nothing was done", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "hang" });
    const signal = AbortSignal.timeout(50);
    expect(await ask(edge, `POST ${rules}`, { body, signal }).catch(({ name }) => name)).toBe("TimeoutError");
    expect(edge.blocked()).toEqual([]);
  });

  test("the end of the fake ends the wait", async () => {
    const edge = fakeCloudflare();
    edge.fail({ kind: "hang" });
    const answer = block(edge).catch(({ code }) => code);
    await until(() => edge.calls.length === 1);
    await edge[Symbol.asyncDispose]();
    expect(await answer).toBe("ECONNRESET");
  });
});

describe("a fault of the answer", () => {
  test("slow: the request is done at once and answered late", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "slow", ms: 80 });
    const startedAt = performance.now();
    const answer = block(edge);
    await until(() => edge.blocked().length === 1);
    expect(await answer).toMatchObject({ status: 200 });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(75);
  });

  test("slow: the end of the fake does not wait for it", async () => {
    const edge = fakeCloudflare();
    edge.fail({ kind: "slow", ms: 60_000 });
    const answer = block(edge).catch(({ code }) => code);
    await until(() => edge.blocked().length === 1);
    await edge[Symbol.asyncDispose]();
    expect(await answer).toBe("ECONNRESET");
  });

  test("truncated: the request is done, and the answer is no JSON", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "truncated" });
    expect(await block(edge)).toMatchObject({
      status: 200,
      body: expect.stringMatching(/^\{"success":true/),
    });
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
  });

  test("nullResult: the request is done, and the success has no result", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "nullResult" });
    expect(await block(edge)).toMatchObject({ status: 200, body: { success: true, result: null } });
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
  });

  test("latency: every answer takes at least that long", async () => {
    await using edge = fakeCloudflare({ latencyMs: 40 });
    const startedAt = performance.now();
    await block(edge);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(38);
  });
});

describe("the queue", () => {
  const statuses = async (edge: FakeCloudflare, ...calls: readonly string[]) => {
    const answers: number[] = [];
    for (const call of calls) answers.push((await ask(edge, call)).status);
    return answers;
  };

  test("faults are met in their order, each once", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "status", status: 500 });
    edge.fail({ kind: "status", status: 502 });
    expect(await statuses(edge, "GET /zones", "GET /zones", "GET /zones")).toEqual([500, 502, 200]);
  });

  test("a fault lasts as many requests as it is told", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "status", status: 500 }, { times: 2 });
    expect(await statuses(edge, "GET /zones", "GET /zones", "GET /zones")).toEqual([500, 500, 200]);
  });

  test("a fault for ever lasts until it is healed", async () => {
    await using edge = fakeCloudflare();
    edge.fail({ kind: "status", status: 500 }, { times: Infinity });
    expect(await statuses(edge, "GET /zones", "GET /zones")).toEqual([500, 500]);
    edge.heal();
    expect(await statuses(edge, "GET /zones")).toEqual([200]);
  });

  test("a fault waits for the request that it is meant for", async () => {
    await using edge = fakeCloudflare();
    edge.fail(
      { kind: "status", status: 500 },
      { when: ({ method, path }) => method === "GET" && path === "/ips" },
    );
    expect(await statuses(edge, "GET /zones", "GET /ips", "GET /ips")).toEqual([200, 500, 200]);
  });
});

describe("hooks", () => {
  test("onRequest comes before the work, onAnswer after it and before the answer", async () => {
    await using edge = fakeCloudflare();
    const seen: unknown[] = [];
    edge.onRequest = ({ method }) => void seen.push(["request", method, edge.blocked()]);
    edge.onAnswer = async ({ method, status }) => {
      await Bun.sleep(10);
      seen.push(["answer", method, status, edge.blocked()]);
    };
    await block(edge);
    expect(seen).toEqual([
      ["request", "POST", []],
      ["answer", "POST", null, ["203.0.113.7"]],
    ]);
  });

  test("onAnswer is called for an answer that will be lost", async () => {
    await using edge = fakeCloudflare();
    const seen: string[] = [];
    edge.onAnswer = ({ method }) => void seen.push(method);
    edge.fail({ kind: "lostAnswer" });
    await block(edge).catch(() => {});
    expect(seen).toEqual(["POST"]);
  });
});

/** How a bare TCP client sees its connection end: the error's code, or "end". */
async function fate(edge: FakeCloudflare): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(edge.url).port), "127.0.0.1");
  socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name));
  socket.on("end", () => resolve("end"));
  socket.write(`GET /client/v4/ips HTTP/1.1\r\nHost: edge.example\r\n\r\n`);
  return promise.finally(() => socket.destroy());
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(1);
}
