import { under } from "../paths.ts";
import { Secret } from "../secret.ts";
import { reader } from "./reader.ts";
import type { Reader } from "./reader.ts";
import { fleetSettings } from "./settings.ts";
import type { mainSettings } from "./settings.ts";

/** A journal that several servers share. */
export interface FleetConfig {
  /** Stands in the marks of its rules, where a server alone has its own name. */
  readonly name: string;
  /** The database's, maybe with a password; read by whoever is to use it: a hook is not. */
  readonly url: Secret;
  /** A host that was not seen for this long is reported as gone. */
  readonly goneAfterMs: number;
}

export interface JournalConfig {
  /** The file of this host's own journal. */
  readonly journal: string;
  /** null: this host stands alone. */
  readonly fleet: FleetConfig | null;
}

export interface JournalOptions {
  readonly path: string;
  readonly root: string;
  /** This host's name. */
  readonly host: string;
}

/** A file of this host, or a database of its fleet with a file of this host's own beside it. */
export function journalOf(
  read: Reader<typeof mainSettings>,
  { path, root, host }: JournalOptions,
): JournalConfig {
  const journal = read.value("journal");
  const own = reader({ path, prefix: "fleet." }, read.value("fleet"), fleetSettings);
  if (journal.startsWith("/")) {
    const given = (["name", "spool", "gone_after"] as const).find(own.isGiven);
    if (given === undefined) return { journal: under(root, journal), fleet: null };
    throw own.refuse(given, "the journal is no database of a fleet", 'journal = "postgres://…"');
  }
  const name = own.value("name");
  if (name === undefined || !/^[A-Za-z0-9._-]{1,60}$/.test(name)) {
    const state = name === undefined ? "it is missing" : "only letters, digits, '.', '_' and '-'";
    throw own.refuse("name", state, 'name = "web" in [fleet], the same on all of its servers');
  }
  if (name === host) throw own.refuse("name", "it is this server's own", "choose another for the fleet");
  return {
    journal: under(root, own.value("spool")),
    fleet: { name, url: new Secret(journal), goneAfterMs: own.value("gone_after") * 1_000 },
  };
}
