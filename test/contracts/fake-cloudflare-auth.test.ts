import { describe, expect, test } from "bun:test";
import { ask } from "../support/cloudflare/ask.ts";
import type { Permission } from "../support/cloudflare/credentials.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const zoneRules = "/zones/{zone}/firewall/access_rules/rules";
const accountRules = "/accounts/{account}/firewall/access_rules/rules";
const accountVerify = "/accounts/{account}/tokens/verify";
const verify = "/user/tokens/verify";

describe("a credential is refused by path", () => {
  test.each([
    ["malformed token", "/zones", bearer("abc-def"), 400, 6003],
    ["malformed token", verify, bearer("abc-def"), 400, 6003],
    ["malformed token", accountRules, bearer("abc-def"), 400, 9106],
    ["token with a space", "/zones", bearer("two words"), 400, 6003],
    ["other scheme", "/zones", { Authorization: "Basic dGVzdDp0ZXN0" }, 400, 6003],
    ["unknown token", "/zones", bearer("test-token-unknown"), 403, 9109],
    ["unknown token", zoneRules, bearer("test-token-unknown"), 403, 9109],
    ["unknown token", accountRules, bearer("test-token-unknown"), 401, 10000],
    ["unknown token", verify, bearer("test-token-unknown"), 401, 1000],
    ["unknown token", accountVerify, bearer("test-token-unknown"), 401, 1000],
    ["missing header", verify, {}, 400, 1001],
    ["missing header", "/zones", {}, 400, 9106],
    ["key without an address", "/zones", { "X-Auth-Key": "test-api-key-valid" }, 400, 9106],
    ["unknown key", "/zones", { "X-Auth-Email": "admin@example.com", "X-Auth-Key": "no" }, 403, 9103],
  ] as const)("%s at %p", async (_, path, headers, status, code) => {
    await using edge = fakeCloudflare();
    const answer = await ask(edge, `GET ${path}`, { headers });
    expect(answer).toMatchObject({ status, body: { success: false, errors: [{ code }], result: null } });
    expect(edge.violations).toEqual([]);
  });

  test("a malformed token's cause is in the error chain", async () => {
    await using edge = fakeCloudflare();
    const errors = [{ code: 6003, error_chain: [{ code: 6111 }] }];
    expect(await ask(edge, "GET /zones", { headers: bearer("abc-def") })).toMatchObject({ body: { errors } });
  });

  test("a revoked token is unknown", async () => {
    await using edge = fakeCloudflare();
    edge.revoke(edge.token);
    expect(await ask(edge, "GET /zones")).toMatchObject({ status: 403, body: { errors: [{ code: 9109 }] } });
  });
});

describe("permissions", () => {
  test.each([
    ["GET", zoneRules, "Firewall Services Read", 200],
    ["GET", zoneRules, "Firewall Services Write", 200],
    ["GET", zoneRules, "Account Firewall Access Rules Write", 403],
    ["GET", accountRules, "Account Firewall Access Rules Read", 200],
    ["GET", accountRules, "Firewall Services Write", 403],
    ["DELETE", `${zoneRules}/none`, "Firewall Services Read", 403],
    ["DELETE", `${zoneRules}/none`, "Firewall Services Write", 200],
  ] as [string, string, Permission, number][])(
    "%s %p with %p answers %i",
    async (method, path, permission, status) => {
      await using edge = fakeCloudflare();
      const headers = bearer(edge.grant("test-token-limited", { permissions: [permission] }));
      const answer = await ask(edge, `${method} ${path}`, { headers });
      const body =
        status === 200 ? { success: true } : { errors: [{ code: 10000, message: "Authentication error" }] };
      expect(answer).toMatchObject({ status, body });
      expect(edge.violations).toEqual([]);
    },
  );

  test.each(["/zones", "/accounts"])("%p is empty for a token that may not read it", async (path) => {
    await using edge = fakeCloudflare();
    const headers = bearer(edge.grant("test-token-limited"));
    expect(await ask(edge, `GET ${path}`, { headers })).toMatchObject({ status: 200, body: { result: [] } });
  });

  test("the user's rules take the Global API Key alone, and tokens where the test says so", async () => {
    await using edge = fakeCloudflare();
    const call = "GET /user/firewall/access_rules/rules";
    expect(await ask(edge, call)).toMatchObject({ status: 403, body: { errors: [{ code: 10000 }] } });
    edge.userScopeTakesTokens = true;
    expect(await ask(edge, call)).toMatchObject({ status: 200 });
  });
});

describe("token checks", () => {
  test.each([
    ["the user's token at the user's check", ({ token }) => token, verify, 200],
    ["the user's token at the account's check", ({ token }) => token, accountVerify, 401],
    ["the account's token at the account's check", ({ accountToken }) => accountToken, accountVerify, 200],
    ["the account's token at the user's check", ({ accountToken }) => accountToken, verify, 401],
  ] as [string, (edge: FakeCloudflare) => string, string, number][])("%s", async (_, token, path, status) => {
    await using edge = fakeCloudflare();
    const body = status === 200 ? { result: { status: "active" } } : { errors: [{ code: 1000 }] };
    const answer = await ask(edge, `GET ${path}`, { headers: bearer(token(edge)) });
    expect(answer).toMatchObject({ status, body });
    expect(edge.violations).toEqual([]);
  });

  test("a disabled token is known to its check and refused elsewhere", async () => {
    await using edge = fakeCloudflare();
    const headers = bearer(edge.grant("test-token-disabled", { permissions: "all", status: "disabled" }));
    const checked = await ask(edge, "GET /user/tokens/verify", { headers });
    expect(checked).toMatchObject({ status: 200, body: { result: { status: "disabled" } } });
    expect(await ask(edge, "GET /zones", { headers })).toMatchObject({ status: 403 });
  });
});

describe("rate limit", () => {
  const limited = { limit: { calls: 2, windowMs: 10_000 } };

  test("the call over it shuts the credential out for a whole window", async () => {
    let now = 0;
    await using edge = fakeCloudflare({ ...limited, now: () => now });
    const statuses: number[] = [];
    const askAt = async (at: number) => {
      now = at;
      statuses.push((await ask(edge, "GET /zones")).status);
    };
    await askAt(0);
    await askAt(9_000);
    await askAt(9_500);
    await askAt(19_400);
    await askAt(19_500);
    expect(statuses).toEqual([200, 200, 429, 429, 200]);
    expect(edge.overLimit).toBe(2);
    expect(edge.violations).toEqual([]);
  });

  test("a window that slides past old calls refuses nobody", async () => {
    let now = 0;
    await using edge = fakeCloudflare({ ...limited, now: () => now });
    await ask(edge, "GET /zones");
    now = 6_000;
    await ask(edge, "GET /zones");
    now = 10_001;
    await ask(edge, "GET /zones");
    expect(edge.overLimit).toBe(0);
  });

  test("every credential has its own", async () => {
    await using edge = fakeCloudflare({ limit: { calls: 1, windowMs: 10_000 }, now: () => 0 });
    await ask(edge, "GET /zones");
    await ask(edge, "GET /zones", { headers: { "X-Auth-Email": edge.email, "X-Auth-Key": edge.apiKey } });
    expect(edge.overLimit).toBe(0);
  });

  test("a refusal is a 429 that says how long to wait, and does nothing", async () => {
    await using edge = fakeCloudflare({ limit: { calls: 0, windowMs: 300_000 }, now: () => 0 });
    const body = { mode: "block", configuration: { target: "ip", value: "192.0.2.1" } };
    const answer = await ask(edge, `POST ${zoneRules}`, { body });
    expect(answer).toMatchObject({ status: 429, body: { errors: [{ code: 971 }] } });
    expect(answer.headers.get("Retry-After")).toBe("300");
    expect(edge.blocked()).toEqual([]);
  });

  test("every answer says what is left, and of what", async () => {
    await using edge = fakeCloudflare({ limit: { calls: 100, windowMs: 60_000 }, now: () => 0 });
    await ask(edge, "GET /zones");
    const { headers } = await ask(edge, "GET /zones");
    expect(headers.get("Ratelimit")).toBe('"default";r=98;t=60');
    expect(headers.get("Ratelimit-Policy")).toBe('"default";q=100;w=60');
    expect(headers.has("Retry-After")).toBe(false);
  });

  test("it can be set while the fake runs", async () => {
    await using edge = fakeCloudflare();
    edge.limit = { calls: 0, windowMs: 1_000 };
    expect((await ask(edge, "GET /zones")).status).toBe(429);
  });
});
