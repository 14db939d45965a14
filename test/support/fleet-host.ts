import { mkdirSync } from "node:fs";
import type { HoldView, Summary } from "../../src/core/views.ts";
import type { Report } from "../../src/commands/doctor/check.ts";
import type { FleetReport, Report as StatusReport } from "../../src/commands/status/report.ts";
import type { Server } from "../../src/journal/postgres/session.ts";
import { binaryPath, endCouriers, runBinary } from "./binary.ts";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import type { Place } from "./fleet-network.ts";
import { endProcesses, processesOf } from "./program.ts";
import type { Ended } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import type { TempRoot } from "./temp-root.ts";

/** A server of a fleet: its files in a directory, the real program, and whatever couriers its hooks start. */
export interface FleetHost extends AsyncDisposable {
  readonly name: string;
  readonly root: TempRoot;
  readonly configPath: string;
  readonly spoolPath: string;
  run(line: string): Promise<Ended>;
  /** Runs a hook, which is to succeed. */
  hook(line: string): Promise<void>;
  /** What its `list` shows. */
  list(): Promise<readonly HoldView[]>;
  status(): Promise<ShownStatus>;
  /** What doctor finds of the fleet: state and text. */
  examined(): Promise<readonly string[]>;
  /** Its processes that stay in the fleet. */
  couriers(): readonly number[];
  /** As when the server loses its power: nothing is said to anybody. */
  kill(): Promise<void>;
  log(): string;
}

/** What `status --json` shows of a fleet. */
type ShownStatus = Summary & Pick<StatusReport, "jails" | "outForCapacity"> & { readonly fleet: FleetReport };

export interface FleetHostOptions {
  /** Lines of config.toml beside those that every test needs, as TOML; null takes one of those away. */
  readonly config?: Readonly<Record<string, string | null>>;
  /** Lines of [fleet]. */
  readonly fleet?: Readonly<Record<string, string>>;
  /** A network of its own. */
  readonly place?: Pick<Place, "inside" | "apiBase">;
}

export async function fleetHost(
  name: string,
  edge: Pick<FakeCloudflare, "url" | "token">,
  server: Server,
  options: FleetHostOptions = {},
): Promise<FleetHost> {
  await binaryPath();
  const root = tempRoot();
  const [configPath, spoolPath] = [root.at("config.toml"), root.at("own/journal.db")];
  mkdirSync(root.at("fail2ban"));
  root.write("token", `${edge.token}\n`, 0o600);
  const config: Readonly<Record<string, string | null>> = {
    api_token_file: JSON.stringify(root.at("token")),
    zones: '["example.com"]',
    api_base: JSON.stringify(options.place?.apiBase ?? edge.url),
    journal: JSON.stringify(urlOf(server)),
    log: JSON.stringify(root.at("log")),
    fail2ban: JSON.stringify(root.at("fail2ban")),
    host: JSON.stringify(name),
    ...options.config,
  };
  const fleet = { name: '"web"', spool: JSON.stringify(spoolPath), ...options.fleet };
  root.write("config.toml", `${lines(config)}\n[fleet]\n${lines(fleet)}`, 0o600);

  const { inside = [] } = options.place ?? {};
  const run = (line: string): Promise<Ended> =>
    runBinary(["--config", configPath, ...line.split(" ")], { inside });
  const must = async (line: string): Promise<string> => {
    const { code, stdout, stderr } = await run(line);
    if (code !== 0) throw new Error(`${name}: "${line}" ended with ${code}: ${stderr}`);
    return stdout;
  };
  return {
    name,
    root,
    configPath,
    spoolPath,
    run,
    hook: async (line) => void (await must(line)),
    list: async () => JSON.parse((await run("list --json")).stdout).holds,
    status: async () => JSON.parse((await run("status --json")).stdout),
    async examined() {
      const { findings }: { readonly findings: readonly Report[] } = JSON.parse(
        (await run("doctor --json")).stdout,
      );
      return findings
        .filter(({ check }) => check === "fleet")
        .map(({ state, what, mend }) => [state, what, ...(mend === null ? [] : [mend])].join(": "));
    },
    couriers: () => processesOf("--config", configPath, "deliver"),
    kill: () => endProcesses(processesOf("--config", configPath, "deliver"), "SIGKILL"),
    log: () => {
      try {
        return root.read("log");
      } catch {
        return "";
      }
    },
    async [Symbol.asyncDispose]() {
      await endCouriers(configPath);
      root[Symbol.dispose]();
    },
  };
}

/** As an administrator writes it, password and all. */
export function urlOf({ host, port, database, user, password, tls, caFile }: Server): string {
  const at = `${user}:${password?.reveal() ?? ""}@${encodeURIComponent(host)}:${port}/${database}`;
  return `postgres://${at}?sslmode=${tls}${caFile === null ? "" : `&sslrootcert=${caFile}`}`;
}

function lines(values: Readonly<Record<string, string | null>>): string {
  return Object.entries(values)
    .flatMap(([key, value]) => (value === null ? [] : [`${key} = ${value}\n`]))
    .join("");
}
