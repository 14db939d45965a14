import { join } from "node:path";
import { statOf } from "../config.ts";
import type { Config } from "../config.ts";
import { readSecretFile, refuseReadable } from "../credential.ts";
import type { Server } from "../journal/postgres/session.ts";
import type { Runtime } from "../runtime.ts";
import { Secret } from "../secret.ts";

/**
 * The password for a fleet's database. The first found wins: systemd's credential directory, the URL of the
 * configuration, and the file that PGPASSFILE names. null: the database is to know us without.
 */
export function databasePassword(
  { env }: Pick<Runtime, "env">,
  { path }: Pick<Config, "path">,
  server: Server,
): Secret | null {
  const directory = env["CREDENTIALS_DIRECTORY"];
  const credential = directory === undefined ? null : join(directory, "fleet-password");
  if (credential !== null && statOf(credential) !== null) return new Secret(readSecretFile(credential));
  if (server.password !== null) {
    refuseReadable(path);
    return server.password;
  }
  const passwords = env["PGPASSFILE"];
  if (passwords === undefined) return null;
  refuseReadable(passwords);
  const found = passwordFor(readSecretFile(passwords), server);
  return found === null ? null : new Secret(found);
}

/** The first line host:port:database:user:password that fits; "*" fits all, "\" keeps a ":" or "\" as it is. */
function passwordFor(text: string, { host, port, database, user }: Server): string | null {
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
