import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../config.ts";
import type { Config, ProfileConfig } from "../../config.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import type { CourierJournal } from "../../core/journal.ts";
import { knownRanges } from "../../core/ranges.ts";
import { readCredential } from "../../credential.ts";
import type { FoundCredential } from "../../credential.ts";
import { Failure } from "../../errors.ts";
import { findFail2ban } from "../../fail2ban/client.ts";
import type { Fail2banClient } from "../../fail2ban/client.ts";
import type { Dump } from "../../fail2ban/dump.ts";
import { forgetful, publishedRanges } from "../../wire/client.ts";
import { inspect } from "../../wire/inspect.ts";
import type { Inspection } from "../../wire/inspect.ts";
import { openSqlite } from "../../journal/sqlite.ts";
import type { SqliteJournal } from "../../journal/sqlite.ts";
import type { Runtime } from "../../runtime.ts";
import { introduce } from "../introduce.ts";
import type { Introduced } from "../introduce.ts";
import { findWebServer } from "../realip/web-server.ts";
import type { WebServer } from "../realip/web-server.ts";
import { each, once } from "./once.ts";
import { reachFailure } from "./reach-failure.ts";

/** No program that we ask takes longer, unless it hangs. */
const programTimeoutMs = 20_000;

export interface Fail2banSeen {
  readonly client: Fail2banClient;
  readonly dump: Dump;
  /** What is wrong with the configuration; empty: nothing. */
  readonly errors: readonly string[];
}

/** What a credential is, and what can be asked with it. */
export interface ProfileSeen extends Introduced {
  readonly inspection: Inspection;
  readonly found: FoundCredential;
}

/**
 * What the checks look at. Each part is looked at once, when the first check asks for it; one that cannot be had throws
 * the same failure to all.
 */
export interface Host extends AsyncDisposable {
  /** Its programs are ended in time. */
  readonly runtime: Runtime;
  readonly configPath: string;
  /** fail2ban's directory, by the configuration where that can be read. */
  readonly directory: string;
  config(): Config;
  credential(profile: ProfileConfig): FoundCredential;
  /** What Cloudflare answers without a credential: its own ranges as of now. */
  reached(): Promise<readonly string[]>;
  /** How far the clock is ahead of Cloudflare's, milliseconds, as of its last answer; null: it does not say. */
  skewMs(): number | null;
  /** Cloudflare's own ranges, as far as they are known here. */
  ranges(): Promise<readonly string[]>;
  profile(profile: ProfileConfig): Promise<ProfileSeen>;
  fail2ban(): Promise<Fail2banSeen>;
  /** nginx's whole configuration, as nginx prints it; null: there is no nginx. */
  nginx(): Promise<string | null>;
  /** What this host holds; null: there is none yet. */
  journal(): SqliteJournal | null;
  /** null: the host stands alone. */
  fleet(): Promise<FleetJournal | null>;
  /** What the courier works on: the fleet's journal, or the host's own. */
  courierJournal(): Promise<CourierJournal | null>;
  /** How many calls Cloudflare leaves us, as it last said; null: it has not. */
  callsLeft(): number | null;
  /** Its calls are booked on the credential of a profile, as the courier's are. */
  runtimeOf(profile: ProfileConfig): Runtime;
}

export function hostOf(original: Runtime, configPath: string): Host {
  let [left, skewMs]: [number | null, number | null] = [null, null];
  const runtime: Runtime = {
    ...original,
    async run(argv, { timeoutMs }) {
      const ended = await original.run(argv, { timeoutMs: Math.min(timeoutMs, programTimeoutMs) });
      // fail2ban-client ends with 255 for whatever is wrong; a signal is a number below 65.
      if (ended.code <= 128 || ended.code > 192) return ended;
      throw new Failure("unavailable", `No answer of ${argv.join(" ")}: it was ended by a signal`, {
        hint: "see whether it hangs: ps -ef",
      });
    },
    fetch: async (url, init) => {
      const response = await original.fetch(url, init);
      const said = /;\s*r=(\d+)/.exec(response.headers.get("Ratelimit") ?? "")?.[1];
      if (said !== undefined) left = Math.min(left ?? Number(said), Number(said));
      const at = Date.parse(response.headers.get("Date") ?? "");
      if (Number.isFinite(at)) skewMs = original.now() - at;
      return response;
    },
  };
  const config = once(() => loadConfig(runtime, configPath));
  const credential = each((profile: ProfileConfig) => readCredential(runtime, config(), profile));
  const reached = once(async () => {
    const { apiBase } = config();
    try {
      return await publishedRanges(runtime, config());
    } catch (error) {
      throw reachFailure(error, apiBase);
    }
  });
  const opened = new AsyncDisposableStack();
  const journal = once(() => {
    const { journal: path } = config();
    return existsSync(path) ? opened.use(openSqlite(path)) : null;
  });
  const fleet = once(async () => {
    const { fleet: fleetConfig } = config();
    if (fleetConfig === null) return null;
    const { openFleetJournal } = await import("../fleet/views.ts");
    return opened.use(await openFleetJournal(runtime, config(), fleetConfig));
  });
  const courierJournal = async (): Promise<CourierJournal | null> => (await fleet()) ?? journal();
  const directory = fail2banDirectory(original, config);
  const runtimeOf = (profile: ProfileConfig): Runtime => ({
    ...runtime,
    fetch: async (url, init) => {
      try {
        const kept = await courierJournal();
        await kept?.spend(credential(profile).fingerprint, 1, runtime.now());
      } catch (error) {
        // That the journal is broken is another check's to say.
        if (!(error instanceof Failure)) throw error;
      }
      return runtime.fetch(url, init);
    },
  });
  return {
    runtime,
    configPath,
    directory,
    config,
    credential,
    reached,
    skewMs: () => skewMs,
    ranges: async () => knownRanges(journal() ?? forgetful),
    runtimeOf,
    profile: each(async (profile: ProfileConfig) => {
      await reached();
      const found = credential(profile);
      const inspection = inspect({
        runtime: runtimeOf(profile),
        apiBase: config().apiBase,
        credential: found.credential,
      });
      return { inspection, found, ...(await introduce(inspection, found, profile.account)) };
    }),
    fail2ban: once(async () => {
      const client = await findFail2ban(runtime, directory);
      const [errors, dump] = await Promise.all([client.configErrors(), client.dump()]);
      return { client, errors, dump };
    }),
    nginx: once(async () => (await nginxOf(runtime)?.test()) ?? null),
    journal,
    fleet,
    courierJournal,
    callsLeft: () => left,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function fail2banDirectory({ root }: Runtime, config: () => Config): string {
  try {
    return config().fail2ban;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return join(root, "/etc/fail2ban");
  }
}

function nginxOf(runtime: Runtime): WebServer | null {
  try {
    return findWebServer(runtime, "nginx");
  } catch (error) {
    if (error instanceof Failure && error.kind === "unavailable") return null;
    throw error;
  }
}
