import { under } from "../paths.ts";
import { Secret } from "../secret.ts";
import type { Reader } from "./reader.ts";
import { reader } from "./reader.ts";

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

const defaultJournal = "/var/lib/fail2ban/cloudflare/journal.db";
const fleetKeys = ["name", "spool", "gone_after"];

/** A file of this host, or a database of its fleet with a file of this host's own beside it. */
export function journalOf(read: Reader, { path, root, host }: JournalOptions): JournalConfig {
  const text = read.optional("journal") ?? defaultJournal;
  const table = read.table("fleet");
  const own = reader(path, "fleet.", table);
  own.onlyKeys(fleetKeys);
  if (!/^postgres(ql)?:/.test(text)) {
    const given = fleetKeys.find((key) => key in table);
    if (given === undefined)
      return { journal: under(root, read.absolute("journal", defaultJournal)), fleet: null };
    throw own.refuse(given, "the journal is no database of a fleet", 'journal = "postgres://…"');
  }
  const name = own.optional("name");
  if (name === undefined || !/^[A-Za-z0-9._-]{1,60}$/.test(name)) {
    const state = name === undefined ? "it is missing" : "only letters, digits, '.', '_' and '-'";
    throw own.refuse("name", state, 'name = "web" in [fleet], the same on all of its servers');
  }
  if (name === host) throw own.refuse("name", "it is this server's own", "choose another for the fleet");
  return {
    journal: under(root, own.absolute("spool", defaultJournal)),
    fleet: {
      name,
      url: new Secret(text),
      goneAfterMs: own.whole("gone_after", 86_400, { least: 60, most: 31_536_000 }) * 1_000,
    },
  };
}
