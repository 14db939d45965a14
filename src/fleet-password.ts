import { join } from "node:path";
import { statOf } from "./config.ts";
import type { Config } from "./config.ts";
import type { DatabaseAddress, FleetConfig } from "./fleet-config.ts";
import type { Runtime } from "./runtime.ts";
import { readSecretFile, refuseReadable } from "./secret-file.ts";
import { Secret } from "./secret.ts";

/**
 * The password for a fleet's database. The first found wins: systemd's credential directory, the configuration, and
 * the file that PGPASSFILE names. null: the database is to know us without.
 */
export function readFleetPassword(runtime: Runtime, { path }: Config, fleet: FleetConfig): Secret | null {
  const directory = runtime.env["CREDENTIALS_DIRECTORY"];
  const credential = directory === undefined ? null : join(directory, "fleet-password");
  if (credential !== null && statOf(credential) !== null) return new Secret(readSecretFile(credential));
  if (fleet.password !== null) {
    refuseReadable(path);
    return fleet.password;
  }
  const passwords = runtime.env["PGPASSFILE"];
  if (passwords === undefined) return null;
  refuseReadable(passwords);
  const found = passwordFor(readSecretFile(passwords), fleet.database);
  return found === null ? null : new Secret(found);
}

/** The first line host:port:database:user:password that fits; "*" fits all, "\" keeps a ":" or "\" as it is. */
function passwordFor(text: string, { host, port, database, user }: DatabaseAddress): string | null {
  const wanted = [host.startsWith("/") ? "localhost" : host, String(port), database, user];
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(([, field = ""]) =>
      field.replace(/\\(.)/g, "$1"),
    );
    const password = fields[wanted.length] ?? "";
    if (password !== "" && wanted.every((value, index) => ["*", value].includes(fields[index] ?? "")))
      return password;
  }
  return null;
}
