import { Failure } from "../errors.ts";
import type { Call } from "./client.ts";
import { fieldsOf } from "./envelope.ts";
import { isId } from "./zones.ts";

/** What Cloudflare says of an API token. */
export interface TokenState {
  readonly owner: "user" | "account";
  /** "active", "disabled" or "expired". */
  readonly status: string;
  /** Milliseconds since 1970; null: it has no end. */
  readonly expiresAt: number | null;
}

/** Nobody's token is asked about in more accounts. */
const mostAccounts = 20;

/**
 * What is known of the token: asked as the user's, then as one of each of these accounts. Null when none of them knows
 * it, which does not prove it wrong: an account's token is unknown to the user and to every other account.
 */
export async function tokenState(call: Call, accounts: readonly string[]): Promise<TokenState | null> {
  const asUsers = await verified(call, "/user/tokens/verify", "user");
  if (asUsers !== null) return asUsers;
  for (const id of accounts.filter(isId).slice(0, mostAccounts)) {
    const asAccounts = await verified(call, `/accounts/${id}/tokens/verify`, "account");
    if (asAccounts !== null) return asAccounts;
  }
  return null;
}

async function verified(call: Call, path: string, owner: TokenState["owner"]): Promise<TokenState | null> {
  try {
    const answer = await call("GET", path);
    if (!answer.ok) return null;
    const { status, expires_on } = fieldsOf<"status" | "expires_on">(answer.result);
    const expiresAt = typeof expires_on === "string" ? Date.parse(expires_on) : Number.NaN;
    return {
      owner,
      status: typeof status === "string" ? status : "unknown",
      expiresAt: Number.isFinite(expiresAt) ? expiresAt : null,
    };
  } catch (error) {
    if (error instanceof Failure && error.kind !== "unavailable") return null;
    throw error;
  }
}
