import type { Call } from "../cloudflare/client.ts";
import { accountId, isId, zoneId } from "../cloudflare/zones.ts";
import type { FactLedger } from "../core/journal.ts";
import { Failure } from "../errors.ts";
import type { FailureKind } from "../errors.ts";

/** The ids of what the configuration names, as one credential sees it; looked up once and remembered in the journal. */
export interface Ids {
  /** null when it takes a call to know it. */
  known(kind: Kind, name: string): Promise<string | null>;
  /** Looks up only what is not remembered, or was refused when it was last asked about. */
  find(kind: Kind, name: string): Promise<string>;
  /** Looks it up again; the id that is remembered is replaced only when another one is found, and it is not. */
  findAnew(kind: Kind, name: string): Promise<string>;
  /** Calls about one of them: what was removed and added again has another id, and calls by the former are refused. */
  callAbout(kind: Kind, name: string): Call;
  /** Whether some id is to be looked up again, or has changed since this was last asked. */
  haveNews(): boolean;
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
  const refusedFact = (kind: Kind, name: string): string => `refused-${factOf(kind, fingerprint, name)}`;
  const refused = new Set<string>();
  let changed = false;

  async function lookUp(kind: Kind, name: string): Promise<string> {
    const before = await known(kind, name);
    const id = await (kind === "zone" ? zoneId(call, name, before) : accountId(call, name));
    if (id !== before) await journal.setFact(factOf(kind, fingerprint, name), id);
    changed ||= before !== null && id !== before;
    return id;
  }

  /** A token that does not see it for a while does not make it another one. */
  async function lookUpAgain(kind: Kind, name: string, keptAt: readonly FailureKind[]): Promise<string> {
    const before = await known(kind, name);
    if (before === name) return name;
    try {
      return await lookUp(kind, name);
    } catch (error) {
      if (before === null || !(error instanceof Failure) || !keptAt.includes(error.kind)) throw error;
      return before;
    }
  }

  return {
    known,
    findAnew: (kind, name) => lookUpAgain(kind, name, ["config", "rejected"]),
    async find(kind, name) {
      const fact = refusedFact(kind, name);
      if ((await journal.fact(fact)) !== "yes") return (await known(kind, name)) ?? lookUp(kind, name);
      // Before the call: where it is rejected as well, the next try is by what is remembered, not a second call now.
      await journal.setFact(fact, "no");
      refused.delete(fact);
      return lookUpAgain(kind, name, ["config"]);
    },
    callAbout: (kind, name) => async (method, path, options) => {
      try {
        return await call(method, path, options);
      } catch (error) {
        if (error instanceof Failure && (error.kind === "config" || error.kind === "rejected")) {
          refused.add(refusedFact(kind, name));
          await journal.setFact(refusedFact(kind, name), "yes");
        }
        throw error;
      }
    },
    haveNews() {
      const had = changed;
      changed = false;
      return had || refused.size > 0;
    },
  };
}

function factOf(kind: Kind, fingerprint: string, name: string): string {
  return `${kind}:${fingerprint}:${name}`;
}
