import type { FoundCredential } from "../credential.ts";
import { Failure } from "../errors.ts";
import type { Inspection, SeenAccount, SeenZone, TokenState } from "../wire/inspect.ts";

/** What a credential is and sees. */
export interface Introduced {
  /** null: a Global API Key, or a token that no account of those seen knows, though it works. */
  readonly token: TokenState | null;
  readonly zones: readonly SeenZone[];
  readonly accounts: readonly SeenAccount[];
}

/** Makes sure that the credential is good for something, and finds what there is to choose from. */
export async function introduce(
  inspection: Inspection,
  { credential }: FoundCredential,
  account: string | null,
): Promise<Introduced> {
  if (credential.kind === "key") {
    return { token: null, zones: await inspection.zones(), accounts: await inspection.accounts() };
  }
  const lists = await Promise.all([orNull(inspection.zones()), orNull(inspection.accounts())]);
  const [zones, accounts] = [lists[0] ?? [], lists[1] ?? []];
  const ids = [...(account === null ? [] : [account]), ...accounts.map(({ id }) => id)];
  const token = await inspection.token([...new Set([...ids, ...zones.map((zone) => zone.account.id)])]);
  if (token === null && lists.every((list) => list === null)) {
    throw new Failure("rejected", "Cannot use the token: Cloudflare does not know it", {
      hint: "log in again; for a token of an account's own: login --account ID",
    });
  }
  if (token !== null && token.status !== "active") {
    throw new Failure("rejected", `Cannot use the token: it is ${token.status}`, {
      hint: "renew it in Cloudflare's dashboard, or create another",
    });
  }
  return { token, zones, accounts };
}

/** null where the credential is refused: an unknown one, or one that may not list them. */
async function orNull<Seen>(list: Promise<readonly Seen[]>): Promise<readonly Seen[] | null> {
  try {
    return await list;
  } catch (error) {
    if (error instanceof Failure && error.kind === "rejected") return null;
    throw error;
  }
}
