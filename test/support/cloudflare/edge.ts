import type { Answer, ApiRequest } from "./answer.ts";
import type { AuthorizationKind, Token } from "./credentials.ts";
import type { Account, Ranges, Zone } from "./directory.ts";
import type { Fault, FaultOptions } from "./faults.ts";
import type { Limit } from "./rate-limit.ts";
import type { AccessRule, Planted, RuleChange, Scope } from "./rule-store.ts";
import type { FakeCustomRules, FakeLists } from "./waf.ts";
import type { WantedZone } from "./world.ts";

export interface FakeOptions {
  readonly now?: () => number;
  /** Default: example.com in the default account. */
  readonly zones?: readonly WantedZone[];
  readonly latencyMs?: number;
  readonly limit?: Limit;
  /** Whether `violations` is kept; default: when the OpenAPI document is there. */
  readonly contract?: "check" | "off";
  readonly port?: number;
  /** Answers what is asked for outside the API's base. */
  readonly outside?: (request: ApiRequest) => Answer;
  /** Told of every call when its fate is known. */
  readonly log?: (call: Call) => void;
}

export interface Call {
  readonly method: string;
  /** Below the API's base, as "/zones". */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** As JSON says it; undefined where there was none. */
  readonly body: unknown;
  readonly at: number;
  /** null while it is under way, and for good when it is never answered. */
  readonly status: number | null;
  readonly authorization: AuthorizationKind;
}

/** Cloudflare on loopback: real state, real HTTP, faults on demand. */
export interface FakeCloudflare extends AsyncDisposable {
  readonly url: string;
  /** A user's token with every permission. */
  readonly token: string;
  /** A token that belongs to `account`, with every permission. */
  readonly accountToken: string;
  readonly email: string;
  readonly apiKey: string;
  readonly user: { readonly id: string; readonly scope: Scope };
  readonly accounts: readonly Account[];
  readonly zones: readonly Zone[];
  /** The first of each. */
  readonly account: Account;
  readonly zone: Zone;
  readonly calls: readonly Call[];
  /** What broke Cloudflare's OpenAPI document: calls of the client, and answers of the fake. */
  readonly violations: readonly string[];
  /** How many calls the rate limit has refused. */
  readonly overLimit: number;
  latencyMs: number;
  limit: Limit;
  ranges: Ranges;
  filterMatchesCompressedIpv6: boolean;
  zoneListsInheritedRules: boolean;
  userScopeTakesTokens: boolean;
  onRequest: ((call: Call) => void | Promise<void>) | null;
  /** Called when the work is done and the answer is not yet sent. */
  onAnswer: ((call: Call) => void | Promise<void>) | null;
  /** Told of every change of a rule as it happens, whoever makes it. */
  onChange: ((change: RuleChange) => void) | null;
  /** Makes another token; default: a user's, active, without any permission. */
  grant(text: string, token?: Partial<Omit<Token, "text">>): string;
  /** Takes a token away, as if it was rolled. */
  revoke(text: string): void;
  readonly lists: FakeLists;
  readonly customRules: FakeCustomRules;
  /** What access rules, and custom rules with their lists, act against; in short form, sorted, each once. */
  blocked(scope?: Scope): string[];
  rules(scope?: Scope): AccessRule[];
  plant(scope: Scope, planted: Planted): AccessRule;
  remove(id: string): boolean;
  /** Adds a zone again, with another id and nothing in it: in place of the one of that name, or beside it. */
  addAnew(zone: string, where?: "instead" | "beside"): void;
  fail(fault: Fault, options?: FaultOptions): void;
  heal(): void;
}
