import { setTimeout as delay } from "node:timers/promises";
import { accessRuleRoutes } from "./cloudflare/access-rules.ts";
import type { Answer, ApiRequest } from "./cloudflare/answer.ts";
import { noRoute } from "./cloudflare/answer.ts";
import type { Token } from "./cloudflare/credentials.ts";
import { authorizationKind } from "./cloudflare/credentials.ts";
import { directoryRoutes } from "./cloudflare/directory.ts";
import type { Zone } from "./cloudflare/directory.ts";
import type { Call, FakeCloudflare, FakeOptions } from "./cloudflare/edge.ts";
import type { Fault } from "./cloudflare/faults.ts";
import { answerInstead, faultQueue, spoilt } from "./cloudflare/faults.ts";
import { gateway } from "./cloudflare/gateway.ts";
import type { Reaction } from "./cloudflare/listener.ts";
import { listen } from "./cloudflare/listener.ts";
import { cloudflareLimit, rateLimiter } from "./cloudflare/rate-limit.ts";
import type { Scope } from "./cloudflare/rule-store.ts";
import { ruleStore } from "./cloudflare/rule-store.ts";
import { waf } from "./cloudflare/waf.ts";
import { first, idOf, worldOf } from "./cloudflare/world.ts";
import { openapi } from "./contract.ts";

export type { Call, FakeCloudflare, FakeOptions } from "./cloudflare/edge.ts";
export type { Fault } from "./cloudflare/faults.ts";
export type { AccessRule, Mode, RuleChange, Scope } from "./cloudflare/rule-store.ts";

const base = "/client/v4";

/** A Cloudflare of one's own: real state behind real HTTP on loopback, until it is disposed. */
export function fakeCloudflare(options: FakeOptions = {}): FakeCloudflare {
  const { now = Date.now, log = () => {}, outside = ({ path }) => noRoute(path) } = options;
  const contract = options.contract === "off" ? null : openapi();
  const { zones, accounts } = worldOf(options.zones ?? [{ name: "example.com" }]);
  const account = first(accounts);
  const user = { id: idOf("user"), scope: { type: "user" } } as const;
  const tokens = new Map<string, Token>();
  const calls: { -readonly [key in keyof Call]: Call[key] }[] = [];
  const violations: string[] = [];
  const faults = faultQueue();
  const closing = new AbortController();
  const pause = (ms: number) => delay(ms, undefined, { signal: closing.signal }).catch(() => {});
  let overLimit = 0;

  const store = ruleStore({
    describe(scope) {
      if (scope.type === "user") return { id: user.id, type: "user", email: edge.email };
      const [type, places] = scope.type === "zone" ? ["zone", zones] : ["organization", accounts];
      return { id: scope.id, type, name: places.find(({ id }) => id === scope.id)?.name ?? "" };
    },
    now,
    told: (change) => edge.onChange?.(structuredClone(change)),
  });

  const { routes, lists, customRules, blocked } = waf({ zones, account, now });

  const react = async (request: ApiRequest): Promise<Reaction> => {
    if (!request.path.startsWith(`${base}/`)) return outside(request);
    const { method, headers, query } = request;
    const path = request.path.slice(base.length);
    const body = parsed(request.body);
    const call = { method, path, query: Object.fromEntries(query), body, at: now() };
    const recorded = { ...call, status: null as number | null, authorization: authorizationKind(headers) };
    calls.push(recorded);
    if (contract !== null) violations.push(...contract.validateRequest(method, path, query, body));
    if (edge.latencyMs > 0) await pause(edge.latencyMs);
    await edge.onRequest?.(recorded);
    const reaction = await meet(
      faults.next({ method, path, body: request.body }),
      { ...request, path },
      recorded,
    );
    if (typeof reaction === "object") recorded.status = reaction.status;
    log(recorded);
    return reaction;
  };

  const meet = async (fault: Fault | null, request: ApiRequest, call: Call): Promise<Reaction> => {
    if (fault?.kind === "hang" || fault?.kind === "reset") return fault.kind;
    const credential = request.headers.get("Authorization") ?? request.headers.get("X-Auth-Key") ?? "";
    const withLimit = (answer: Answer) => ({
      ...answer,
      headers: { ...limiter.headers(credential), ...answer.headers },
    });
    const instead = fault === null ? null : answerInstead(fault);
    if (instead !== null) return withLimit(instead);

    const refused = limiter.count(credential);
    if (refused !== null) overLimit += 1;
    const answer = refused ?? work(request);
    if (contract !== null) {
      violations.push(
        ...contract.validateAnswer(request.method, request.path, answer.status, jsonOf(answer.body)),
      );
    }
    await edge.onAnswer?.(call);
    if (fault?.kind === "slow") await pause(fault.ms);
    return fault?.kind === "lostAnswer" ? "reset" : withLimit(spoilt(fault, answer));
  };

  const limiter = rateLimiter(() => edge.limit, now);
  const server = listen(options.port ?? 0, react);

  const edge: FakeCloudflare = {
    url: `http://127.0.0.1:${server.port}${base}`,
    token: "test-token-valid",
    accountToken: "test-account-token-valid",
    email: "admin@example.com",
    apiKey: "test-api-key-valid",
    user,
    accounts,
    zones,
    account,
    get zone() {
      return first(zones);
    },
    calls,
    violations,
    get overLimit() {
      return overLimit;
    },
    latencyMs: options.latencyMs ?? 0,
    limit: options.limit ?? cloudflareLimit,
    // In corners of the documentation networks, so that a guard fed with them spares the usual test addresses.
    ranges: { ipv4: ["198.51.100.240/28", "203.0.113.240/28"], ipv6: ["2001:db8:cf::/48"] },
    filterMatchesCompressedIpv6: false,
    zoneListsInheritedRules: false,
    userScopeTakesTokens: false,
    onRequest: null,
    onAnswer: null,
    onChange: null,
    grant(text, token = {}) {
      tokens.set(text, { id: idOf(text), permissions: [], status: "active", account: null, ...token, text });
      return text;
    },
    revoke: (text) => void tokens.delete(text),
    lists,
    customRules,
    blocked: (scope) => [...new Set([...store.blocked(scope), ...blocked(scope)])].sort(),
    rules: (scope) => structuredClone(store.rules(scope)),
    plant: (scope, planted) => structuredClone(store.plant(scope, planted)),
    remove: (id) => store.remove(id),
    addAnew(name, where = "instead") {
      const index = zones.findIndex((zone) => zone.name === name);
      const before = zones[index];
      if (before === undefined) throw new Error(`there is no zone ${name}`);
      const id = idOf(`${before.id}, again`);
      const again: Zone = { ...before, id, scope: { type: "zone", id } };
      if (where === "instead") for (const rule of store.rules(before.scope)) store.remove(rule.id);
      zones.splice(index, where === "instead" ? 1 : 0, again);
    },
    fail: faults.add,
    heal: faults.clear,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await server[Symbol.asyncDispose]();
    },
  };
  edge.grant(edge.token, { permissions: "all" });
  edge.grant(edge.accountToken, { permissions: "all", account: account.id });

  const inherited = (scope: Scope): Scope[] => {
    const owner = scope.type === "zone" ? zones.find(({ id }) => id === scope.id)?.account.scope : undefined;
    return owner === undefined ? [] : [owner, user.scope];
  };
  const work = gateway({
    routes: [...accessRuleRoutes(store, edge, inherited), ...directoryRoutes(edge), ...routes],
    credentials: { email: edge.email, apiKey: edge.apiKey, tokens },
    directory: edge,
  });
  return edge;
}

function parsed(body: string): unknown {
  if (body === "") return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** What a client reads from what we are about to send. */
function jsonOf(body: unknown): unknown {
  return typeof body === "string" ? body : JSON.parse(JSON.stringify(body));
}
