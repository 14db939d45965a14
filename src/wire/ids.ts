import type { Call } from "../cloudflare/client.ts";
import { accountId, isId, zoneId } from "../cloudflare/zones.ts";
import type { FactLedger } from "../core/journal.ts";
import { Failure } from "../errors.ts";

/** The ids of what the configuration names, as one credential sees it; looked up once and remembered in the journal. */
export interface Ids {
  /** null when it takes a call to know it. */
  known(kind: Kind, name: string): Promise<string | null>;
  find(kind: Kind, name: string): Promise<string>;
  /** Looks it up whatever is remembered: one that was removed and added again has another id. What is found no more keeps its own. */
  findAnew(kind: Kind, name: string): Promise<string>;
}

type Kind = "account" | "zone";

/** What is remembered, without the means to look up more. */
export function knownIds(journal: FactLedger, fingerprint: string): Pick<Ids, "known"> {
  return {
    known: async (kind, name) => (isId(name) ? name : journal.fact(factOf(kind, fingerprint, name))),
  };
}

export function idsOf(journal: FactLedger, fingerprint: string, call: Call): Ids {
  const { known } = knownIds(journal, fingerprint);
  async function lookUp(kind: Kind, name: string): Promise<string> {
    const id = await (kind === "zone" ? zoneId : accountId)(call, name);
    await journal.setFact(factOf(kind, fingerprint, name), id);
    return id;
  }
  return {
    known,
    find: async (kind, name) => (await known(kind, name)) ?? (await lookUp(kind, name)),
    async findAnew(kind, name) {
      if (isId(name)) return name;
      try {
        return await lookUp(kind, name);
      } catch (error) {
        const remembered = await known(kind, name);
        if (remembered === null || !(error instanceof Failure) || error.kind === "unavailable") throw error;
        return remembered;
      }
    },
  };
}

function factOf(kind: Kind, fingerprint: string, name: string): string {
  return `${kind}:${fingerprint}:${name}`;
}
