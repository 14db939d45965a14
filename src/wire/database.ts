import type { Config } from "../config.ts";
import { Failure } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { Secret } from "../secret.ts";
import type { Server } from "../journal/postgres/session.ts";

const parameters = ["sslmode", "sslrootcert"];
const tlsModes = ["disable", "require", "verify-full"] as const;
const defaultName = "fail2ban_cloudflare";
const example = 'journal = "postgres://USER@HOST/DATABASE"';

/**
 * Reads `journal = "postgres://…"`, a socket's directory as libpq has it: "%2Frun%2Fpostgresql". Throws a config
 * failure in which nothing of the URL stands.
 */
export function parseDatabaseUrl(text: string, { path }: Pick<Config, "path">): Server {
  const refuse = (state: string, hint: string): Failure =>
    new Failure("config", `Cannot use journal of "${path}": ${state}`, { hint });
  const url = URL.parse(text);
  if (url === null || url.hash !== "") throw refuse("it is not a URL", example);
  const unknown = [...url.searchParams.keys()].find((key) => !parameters.includes(key));
  if (unknown !== undefined) {
    const state = `there is no parameter ${JSON.stringify(unknown.slice(0, 80))}`;
    throw refuse(state, `did you mean ${nearest(unknown, parameters)}?`);
  }
  const decoded = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw refuse("a part of it is not URL-encoded", "write % as %25");
    }
  };
  const host = decoded(url.hostname).replace(/^\[|\]$/g, "");
  if (host === "") throw refuse("it names no host", example);
  const mode = url.searchParams.get("sslmode") ?? (isLocal(host) ? "disable" : "verify-full");
  const tls = tlsModes.find((one) => one === mode);
  if (tls === undefined) throw refuse("its sslmode is none of ours", `one of: ${tlsModes.join(", ")}`);
  const caFile = url.searchParams.get("sslrootcert");
  if (caFile !== null && !caFile.startsWith("/"))
    throw refuse("its sslrootcert is not an absolute path", "begin it with /");
  const password = decoded(url.password);
  return {
    host,
    port: url.port === "" ? 5432 : Number(url.port),
    database: decoded(url.pathname.slice(1)) || defaultName,
    user: decoded(url.username) || defaultName,
    password: password === "" ? null : new Secret(password),
    tls,
    caFile,
  };
}

/** Where nobody is between us and the database. */
function isLocal(host: string): boolean {
  return host.startsWith("/") || ["localhost", "127.0.0.1", "::1"].includes(host);
}
