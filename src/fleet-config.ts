import { Failure } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { Secret } from "./secret.ts";

/** A journal that several servers share. */
export interface FleetConfig {
  /** Stands in the marks of its rules, where a server alone has its own name. */
  readonly name: string;
  readonly database: DatabaseAddress;
  /** The password where the configuration has it. */
  readonly password: Secret | null;
  /** A host that was not seen for this long is reported as gone. */
  readonly goneAfterMs: number;
}

export interface DatabaseAddress {
  /** A name or an address, or the directory of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly tls: "disable" | "require" | "verify-full";
  /** The certificate authority to trust; null: the public ones. */
  readonly caFile: string | null;
}

const parameters = ["sslmode", "sslrootcert"];
const tlsModes = ["disable", "require", "verify-full"] as const;
const defaultName = "fail2ban_cloudflare";

export function isDatabaseUrl(journal: string): boolean {
  return /^postgres(ql)?:/.test(journal);
}

/**
 * Reads `journal = "postgres://…"`, a socket's directory as libpq has it: "%2Frun%2Fpostgresql". `refuse` makes the failure, and nothing of the URL stands in it.
 */
export function parseDatabaseUrl(
  text: string,
  refuse: (state: string, hint: string) => Failure,
): Pick<FleetConfig, "database" | "password"> {
  const url = URL.parse(text);
  const example = 'journal = "postgres://USER@HOST/DATABASE"';
  if (url === null || url.hash !== "") throw refuse("it is not a URL", example);
  const unknown = [...url.searchParams.keys()].find((key) => !parameters.includes(key));
  if (unknown !== undefined) {
    throw refuse(
      `there is no parameter ${JSON.stringify(unknown.slice(0, 80))}`,
      `did you mean ${nearest(unknown, parameters)}?`,
    );
  }
  const host = decoded(url.hostname, refuse).replace(/^\[|\]$/g, "");
  if (host === "") throw refuse("it names no host", example);
  const mode = url.searchParams.get("sslmode") ?? (isLocal(host) ? "disable" : "verify-full");
  const tls = tlsModes.find((one) => one === mode);
  if (tls === undefined) throw refuse("its sslmode is none of ours", `one of: ${tlsModes.join(", ")}`);
  const caFile = url.searchParams.get("sslrootcert");
  if (caFile !== null && !caFile.startsWith("/"))
    throw refuse("its sslrootcert is not an absolute path", "begin it with /");
  const password = decoded(url.password, refuse);
  return {
    database: {
      host,
      port: url.port === "" ? 5432 : Number(url.port),
      database: decoded(url.pathname.slice(1), refuse) || defaultName,
      user: decoded(url.username, refuse) || defaultName,
      tls,
      caFile,
    },
    password: password === "" ? null : new Secret(password),
  };
}

function decoded(text: string, refuse: (state: string, hint: string) => Failure): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse("a part of it is not URL-encoded", "write % as %25");
  }
}

/** Where nobody is between us and the database. */
function isLocal(host: string): boolean {
  return host.startsWith("/") || ["localhost", "127.0.0.1", "::1"].includes(host);
}
