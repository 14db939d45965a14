import { existsSync, readFileSync, renameSync } from "node:fs";
import type { FakeCloudflare } from "../fake-cloudflare.ts";
import { endProcesses, isAlive, processesOf, runProgram } from "../program.ts";
import type { Ended } from "../program.ts";
import { tempRoot } from "../temp-root.ts";
import type { Backend } from "./backend.ts";
import type { Bips } from "./bips.ts";
import { bips } from "./bips.ts";
import type { ChaosFleet } from "./fleet.ts";
import { ownerOf } from "./fleet.ts";
import type { HostPlan } from "./scenario.ts";

export interface HookEnd {
  /** null: it was killed, and nobody knows how far it came. */
  readonly code: number | null;
  readonly stderr: string;
  readonly beganAt: number;
  readonly endedAt: number;
}

/** A server with the real binary, fail2ban's database and a journal. */
export interface ChaosHost extends AsyncDisposable {
  readonly plan: HostPlan;
  readonly bips: Bips;
  readonly journalPath: string;
  /** Runs the binary as fail2ban does; SIGKILL comes after so many milliseconds, if it is still there. */
  hook(args: readonly string[], killAfterMs: number | null): Promise<HookEnd>;
  /** Runs it as a person does. */
  run(...args: readonly string[]): Promise<Ended>;
  /** Starts a courier, as the timer does every minute; resolves when it ends, with what it said if that was an error. */
  deliver(): Promise<string | null>;
  /** Kills every courier at work; returns how many there were. */
  killCouriers(): Promise<number>;
  /** Where a profile blocks, and since when. */
  whereabouts(profile: string): Whereabouts;
  /** Has a profile block elsewhere. */
  move(profile: string, places: readonly string[]): void;
  log(): string;
}

export interface Whereabouts {
  readonly places: readonly string[];
  readonly sinceAt: number;
}

export interface ChaosHostOptions {
  readonly plan: HostPlan;
  readonly backend: Backend;
  readonly binary: string;
  readonly budget: number;
  /** The journal that it shares; undefined: it has its own. */
  readonly fleet?: ChaosFleet;
}

export function chaosHost(edge: FakeCloudflare, options: ChaosHostOptions): ChaosHost {
  const { plan, backend, binary, budget, fleet } = options;
  const root = tempRoot();
  const configPath = root.at("config.toml");
  const journalPath = root.at("journal/journal.db");
  const token = edge.grant(`test-token-${ownerOf(plan)}`, { permissions: "all" });
  root.write("token", `${token}\n`, 0o600);
  root.write("fail2ban/fail2ban.local", `[Definition]\ndbfile = ${root.at("fail2ban.sqlite3")}\n`);
  const profiles = new Map<string, Whereabouts>();
  for (const [profile, places] of plan.profiles) profiles.set(profile, { places, sinceAt: 0 });
  configure();
  const database = bips(root.at("fail2ban.sqlite3"));
  const argv = (args: readonly string[]): string[] => [binary, "--config", configPath, ...args];
  const couriers = (): number[] => processesOf("--config", configPath, "deliver");

  /** As an editor does it: a hook never reads half of it. */
  function configure(): void {
    root.write("config.toml.new", configuration(), 0o600);
    renameSync(root.at("config.toml.new"), configPath);
  }

  function configuration(): string {
    const [main = [], ...others] = [...profiles.values()].map(({ places }) => places);
    const lines: Record<string, string> = {
      api_token_file: JSON.stringify(root.at("token")),
      api_base: JSON.stringify(edge.url),
      journal: JSON.stringify(fleet?.url ?? journalPath),
      log: JSON.stringify(root.at("courier.log")),
      fail2ban: JSON.stringify(root.at("fail2ban")),
      host: JSON.stringify(plan.name),
      restart_grace: String(plan.graceS),
      ipv6_prefix: String(plan.ipv6Prefix),
      budget: String(budget),
      ...backend.configOf(main, edge),
    };
    return [
      toml(lines),
      ...(fleet === undefined
        ? []
        : [`[fleet]\n${toml({ name: JSON.stringify(fleet.name), spool: JSON.stringify(journalPath) })}`]),
      ...others.map((places) => `[profiles.other]\n${toml(backend.configOf(places, edge))}`),
    ].join("\n");
  }

  return {
    plan,
    bips: database,
    journalPath,
    async hook(args, killAfterMs) {
      const beganAt = Date.now();
      const child = Bun.spawn(argv(args), {
        env: {},
        cwd: "/",
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
      });
      const timer = killAfterMs === null ? null : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
      const [code, stderr] = await Promise.all([child.exited, child.stderr.text()]);
      if (timer !== null) clearTimeout(timer);
      return { code: child.signalCode === null ? code : null, stderr, beganAt, endedAt: Date.now() };
    },
    run: (...args) => runProgram(argv(args), { env: {}, deadlineMs: 180_000 }),
    async deliver() {
      const child = Bun.spawn(argv(["deliver"]), {
        env: {},
        cwd: "/",
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
      });
      const [code, stderr] = await Promise.all([child.exited, child.stderr.text()]);
      return code === 0 || child.signalCode !== null
        ? null
        : `deliver ended with ${code}: ${stderr.slice(-2_000)}`;
    },
    async killCouriers() {
      const pids = couriers();
      for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
      return pids.length;
    },
    whereabouts: (profile) => profiles.get(profile) ?? { places: [], sinceAt: 0 },
    move(profile, places) {
      profiles.set(profile, { places, sinceAt: Date.now() });
      configure();
    },
    log: () => (existsSync(root.at("courier.log")) ? readFileSync(root.at("courier.log"), "utf8") : ""),
    async [Symbol.asyncDispose]() {
      await endProcesses(couriers(), "SIGKILL");
      database[Symbol.dispose]();
      root[Symbol.dispose]();
    },
  };
}

function toml(lines: Readonly<Record<string, string>>): string {
  return Object.entries(lines)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join("");
}
