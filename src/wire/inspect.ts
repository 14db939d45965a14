import { accountsSeen, zonesSeen } from "../cloudflare/directory.ts";
import type { SeenAccount, SeenZone } from "../cloudflare/directory.ts";
import type { Ground, Requirement, Right } from "../cloudflare/permissions.ts";
import { tokenState } from "../cloudflare/tokens.ts";
import type { TokenState } from "../cloudflare/tokens.ts";
import { accountId, isId, zoneId } from "../cloudflare/zones.ts";
import type { FoundCredential } from "../credential.ts";
import type { Runtime } from "../runtime.ts";
import { client, uncounted } from "./client.ts";

export { backends, isBackend, requirements } from "../cloudflare/permissions.ts";
export type { Backend, Ground, Requirement, Right } from "../cloudflare/permissions.ts";
export { tokenToCreate } from "../cloudflare/token-to-create.ts";
export type { SeenAccount, SeenZone } from "../cloudflare/directory.ts";
export type { TokenState } from "../cloudflare/tokens.ts";

/** Questions to Cloudflare with one credential. None changes anything, and none waits for the budget or is booked. */
export interface Inspection {
  /** See `tokenState`. */
  token(accounts: readonly string[]): Promise<TokenState | null>;
  zones(): Promise<readonly SeenZone[]>;
  accounts(): Promise<readonly SeenAccount[]>;
  /** Where a zone or account of the configuration is, by its name or id. Throws when the credential sees none such. */
  ground(kind: "account" | "zone", text: string): Promise<Ground>;
  probe(requirement: Requirement): Promise<Right>;
}

export interface InspectOptions {
  readonly runtime: Pick<Runtime, "fetch" | "now" | "signal">;
  readonly apiBase: string;
  readonly credential: FoundCredential["credential"];
}

export function inspect({ runtime, apiBase, credential }: InspectOptions): Inspection {
  const call = client({
    runtime,
    config: { apiBase },
    credential,
    gate: uncounted,
    hardStop: runtime.signal,
  });
  return {
    token: (accounts) => tokenState(call, accounts),
    zones: () => zonesSeen(call),
    accounts: () => accountsSeen(call),
    async ground(kind, text) {
      const id = isId(text) ? text : await (kind === "zone" ? zoneId : accountId)(call, text);
      return { kind, id, label: `${kind} ${text}` };
    },
    probe: (requirement) => requirement.probe(call),
  };
}
