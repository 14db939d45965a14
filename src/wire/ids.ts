import type { Call } from "../cloudflare/client.ts";
import { accountId, isId, zoneId } from "../cloudflare/zones.ts";
import type { FactLedger } from "../core/journal.ts";
import { Failure } from "../errors.ts";
import type { FailureKind } from "../errors.ts";

/** The ids of what the configuration names, as one credential sees it; looked up once and remembered in the journal. */
export interface Ids {
  /** null when it takes a call to know it. */
  known(kind: Kind, name: string): Promise<string | null>;
  /** Looks up only what is not remembered, or was refused when it was last asked about; `former` as for `zoneId`. */
  find(kind: Kind, name: string, former?: string | null): Promise<string>;
  /** Looks it up again; the id that is remembered is replaced only when another one is found, and it is not. */
  findAnew(kind: Kind, name: string): Promise<string>;
  /** Calls about one of them: what was removed and added again has another id, and calls by the former are refused. */
  callAbout(kind: Kind, name: string): Call;
  /** Whether it was refused when it was last asked about. */
  isRefused(kind: Kind, name: string): Promise<boolean>;
}

type Kind = "account" | "zone";

/** What is remembered, without the means to look up more. */
export function knownIds(journal: FactLedger, fingerprint: string): Pick<Ids, "known" | "isRefused"> {
  return {
    known: async (kind, name) => (isId(name) ? name : journal.fact(factOf(kind, fingerprint, name))),
    isRefused: async (kind, name) => (await journal.fact(refusedFact(kind, fingerprint, name))) === "yes",
  };
}

export function idsOf(journal: FactLedger, fingerprint: string, call: Call): Ids {
  const { known, isRefused } = knownIds(journal, fingerprint);

  async function lookUp(kind: Kind, name: string, before: string | null): Promise<string> {
    const id = await (kind === "zone" ? zoneId(call, name, before) : accountId(call, name));
    await journal.setFact(factOf(kind, fingerprint, name), id);
    return id;
  }

  /** A token that does not see it for a while does not make it another one. */
  async function lookUpAgain(kind: Kind, name: string, keptAt: readonly FailureKind[]): Promise<string> {
    const before = await known(kind, name);
    if (before === name) return name;
    try {
      return await lookUp(kind, name, before);
    } catch (error) {
      if (before === null || !(error instanceof Failure) || !keptAt.includes(error.kind)) throw error;
      return before;
    }
  }

  return {
    known,
    isRefused,
    findAnew: (kind, name) => lookUpAgain(kind, name, ["config", "rejected"]),
    async find(kind, name, former = null) {
      if (!(await isRefused(kind, name)))
        return (await known(kind, name)) ?? (await lookUp(kind, name, former));
      // Before the call: where it is rejected as well, the next try is by what is remembered, not a second call now.
      await journal.setFact(refusedFact(kind, fingerprint, name), "no");
      return lookUpAgain(kind, name, ["config"]);
    },
    callAbout: (kind, name) => async (method, path, options) => {
      try {
        return await call(method, path, options);
      } catch (error) {
        if (error instanceof Failure && (error.kind === "config" || error.kind === "rejected"))
          await journal.setFact(refusedFact(kind, fingerprint, name), "yes");
        throw error;
      }
    },
  };
}

function refusedFact(kind: Kind, fingerprint: string, name: string): string {
  return `refused-${factOf(kind, fingerprint, name)}`;
}

function factOf(kind: Kind, fingerprint: string, name: string): string {
  return `${kind}:${fingerprint}:${name}`;
}
