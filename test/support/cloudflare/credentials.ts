import type { Answer } from "./answer.ts";
import { refusal } from "./answer.ts";

/** Names as Cloudflare's documents have them; "Write" includes "Read". */
export type Permission =
  | "Zone Read"
  | "Account Settings Read"
  | `Firewall Services ${"Read" | "Write"}`
  | `Account Firewall Access Rules ${"Read" | "Write"}`
  | `Account Filter Lists ${"Read" | "Write"}`
  | `Zone WAF ${"Read" | "Write"}`;

/** An API token; one that names an account belongs to the account, not to the user. */
export interface Token {
  readonly text: string;
  readonly id: string;
  readonly permissions: "all" | readonly Permission[];
  readonly status: "active" | "disabled" | "expired";
  readonly account: string | null;
  /** RFC 3339; absent for a token without an end. */
  readonly expires_on?: string;
}

/** Who calls: the owner of a Global API Key, or a token. */
export type Caller = "key" | Token;

/** Which credential a request carried, without the credential. */
export type AuthorizationKind = "none" | "token" | "key" | "both";

export interface Credentials {
  readonly email: string;
  readonly apiKey: string;
  readonly tokens: ReadonlyMap<string, Token>;
}

export function authorizationKind(headers: Headers): AuthorizationKind {
  const key = headers.has("X-Auth-Email") || headers.has("X-Auth-Key");
  if (headers.has("Authorization")) return key ? "both" : "token";
  return key ? "key" : "none";
}

/** The caller, or the refusal that Cloudflare gives at this path. */
export function authenticate(
  credentials: Credentials,
  path: string,
  headers: Headers,
): { readonly caller: Caller } | { readonly refused: Answer } {
  const authorization = headers.get("Authorization");
  if (authorization !== null) {
    const text = /^Bearer ([A-Za-z0-9_-]+)$/.exec(authorization)?.[1] ?? "";
    const token = credentials.tokens.get(text);
    if (token === undefined) return { refused: text.length < shortest ? malformed(path) : unknown(path) };
    if (token.status !== "active" && !isVerify(path)) return { refused: unknown(path) };
    return { caller: token };
  }
  const email = headers.get("X-Auth-Email");
  const key = headers.get("X-Auth-Key");
  if (isVerify(path) || email === null || key === null) return { refused: missing(path) };
  if (email === credentials.email && key === credentials.apiKey) return { caller: "key" };
  return { refused: refusal(403, { code: 9103, message: "Unknown X-Auth-Key or X-Auth-Email" }) };
}

/** A credential that is valid, and not for this. */
export function notPermitted(): Answer {
  return refusal(403, { code: 10000, message: "Authentication error" });
}

/** A token that is not one, as the two verify paths put it. */
export function invalidToken(): Answer {
  return refusal(401, { code: 1000, message: "Invalid API Token" });
}

export function permits(caller: Caller, needs: readonly Permission[]): boolean {
  if (caller === "key" || caller.permissions === "all") return true;
  const held: readonly string[] = caller.permissions;
  return needs.some((need) => held.includes(need) || held.includes(need.replace(/Read$/, "Write")));
}

/** Cloudflare's own rule is not published; "abc-def" is too short for it, and our made-up words are not. */
const shortest = 8;

function isVerify(path: string): boolean {
  return path.endsWith("/tokens/verify");
}

function malformed(path: string): Answer {
  if (path.startsWith("/accounts/") && !isVerify(path)) {
    return refusal(400, { code: 9106, message: "Authentication failed (status: 400)" });
  }
  return refusal(400, {
    code: 6003,
    message: "Invalid request headers",
    error_chain: [{ code: 6111, message: "Invalid format for Authorization header" }],
  });
}

/** Known for /zones, /accounts/… and verify; below /zones and /user it is unverified. */
function unknown(path: string): Answer {
  if (isVerify(path)) return invalidToken();
  if (path.startsWith("/zones")) return refusal(403, { code: 9109, message: "Invalid access token" });
  return refusal(401, { code: 10000, message: "Authentication error" });
}

function missing(path: string): Answer {
  return isVerify(path)
    ? refusal(400, { code: 1001, message: 'Missing "Authorization" header' })
    : refusal(400, { code: 9106, message: "Missing X-Auth-Key, X-Auth-Email or Authorization headers" });
}
