import { Failure } from "../../errors.ts";
import type { Secret } from "../../secret.ts";

/** Where a fleet's journal is. */
export interface Server {
  /** A name or an address, or the directory of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Secret | null;
  readonly tls: "disable" | "require" | "verify-full";
  /** The certificate authority to trust, which asks for "verify-full"; null: the public ones. */
  readonly caFile: string | null;
}

/** One statement with its values as $1, $2 …; without values it may be several. */
export type Run = <Row>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** One connection: whatever goes wrong ends it, and with it go its locks. */
export interface Session extends AsyncDisposable {
  readonly run: Run;
  /** Runs statements as one transaction, which no other of this session is part of. */
  atomically<T>(work: (run: Run) => Promise<T>): Promise<T>;
  /** Aborts when the session is over. */
  readonly over: AbortSignal;
}

/** Where our tables are, whatever else the database has. */
export const schema = "fail2ban_cloudflare";

/**
 * A server that is cut off keeps its locks until the database notices. It must have stopped calling Cloudflare by
 * then: a courier notices after `answerMs`, and gives the calls under way two seconds more.
 */
const answerMs = 6_000;
const connectMs = 5_000;

/** A program that hangs keeps its locks too, and its kernel its connection: then the database ends it. From version 14 on. */
const silentMs = 15_000;

const settings = {
  search_path: schema,
  application_name: "fail2ban-cloudflare",
  statement_timeout: 5_000,
  idle_in_transaction_session_timeout: 5_000,
  tcp_user_timeout: 12_000,
  tcp_keepalives_idle: 5,
  tcp_keepalives_interval: 3,
  tcp_keepalives_count: 3,
} as const;

/** Opens a session; an unavailable failure where there can be none. */
export async function connect(server: Server): Promise<Session> {
  const sql = new Bun.SQL({
    adapter: "postgres",
    // With a URL of ours, those in the environment are not looked at.
    url: "postgres://localhost",
    ...(server.host.startsWith("/") ? { path: server.host } : { hostname: server.host }),
    port: server.port,
    database: server.database,
    username: server.user,
    ...(server.password === null ? {} : { password: server.password.reveal() }),
    tls: server.tls === "disable" || server.caFile === null ? server.tls : { ca: Bun.file(server.caFile) },
    connection: settings,
    connectionTimeout: connectMs / 1_000,
    max: 1,
  });
  const over = new AbortController();
  const end = async (): Promise<void> => {
    over.abort();
    await sql.close({ timeout: 0 });
  };
  let turn: Promise<unknown> = Promise.resolve();
  let broken: unknown = null;
  /** One after another: a statement between those of a transaction would be part of it. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(async () => {
      if (broken !== null) throw broken;
      try {
        return await answered(server, work);
      } catch (error) {
        broken = sessionFailure(server, error);
        await end();
        throw broken;
      }
    });
    turn = mine.catch(() => {});
    return mine;
  };
  const client = await inTurn(() => sql.reserve());
  const run: Run = async (text, values) => [
    ...(await client.unsafe(text, values === undefined ? undefined : [...values])),
  ];
  await inTurn(() =>
    run(
      `SELECT set_config('idle_session_timeout', $1, false) WHERE current_setting('server_version_num')::int >= 140000`,
      [String(silentMs)],
    ),
  );
  return {
    run: (text, values) => inTurn(() => run(text, values)),
    atomically: (work) =>
      inTurn(async () => {
        await run("BEGIN");
        const result = await work(run);
        await run("COMMIT");
        return result;
      }),
    over: over.signal,
    [Symbol.asyncDispose]: end,
  };
}

async function answered<T>(server: Server, work: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const deadline = AbortSignal.timeout(answerMs);
  const giveUp = (): void => reject(unusable(server, `no answer within ${answerMs / 1_000} s`));
  deadline.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([work(), late]);
  } finally {
    deadline.removeEventListener("abort", giveUp);
  }
}

/** What the database or the way to it refuses; anything else is a bug and stays as it is. */
function sessionFailure(server: Server, error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const { code, errno } = error as Error & { readonly code?: unknown; readonly errno?: unknown };
  if (code === undefined) return error;
  const tag = [errno, code].find((one) => typeof one === "string");
  return unusable(server, `${error.message}${tag === undefined ? "" : ` (${tag})`}`, { tag, cause: error });
}

function unusable(
  server: Server,
  state: string,
  { tag, cause }: { readonly tag?: unknown; readonly cause?: unknown } = {},
): Failure {
  return new Failure("unavailable", `Cannot use the fleet's journal "${labelOf(server)}": ${state}`, {
    hint: hintOf(server, tag),
    cause,
  });
}

/** For people: never the password. */
export function labelOf({ host, port, database, user }: Server): string {
  return `postgres://${user}@${host}:${port}/${database}`;
}

function hintOf({ host, port }: Server, tag: unknown): string {
  switch (tag) {
    case "28P01":
      return "check its password: see docs/fleet.md";
    case "3F000":
    case "42501":
      return "make its schema and role: see docs/fleet.md";
    default:
      return `pg_isready -h ${host} -p ${port}`;
  }
}
