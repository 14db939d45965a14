import { join } from "node:path";
import { profileNamed } from "../config.ts";
import type { Config } from "../config.ts";
import type { Address } from "../core/address.ts";
import type { Courier } from "../core/courier.ts";
import { intake } from "../core/intake.ts";
import type { Journal } from "../core/journal.ts";
import { knownRanges } from "../core/ranges.ts";
import { compareHolds, recoverBans } from "../core/recover.ts";
import type { Fail2banState } from "../core/recover.ts";
import { Failure } from "../errors.ts";
import { bannedUntil, databasePath, emptyState, readState } from "../fail2ban/bips.ts";
import { intakeOptions } from "../intake-options.ts";
import type { Runtime } from "../runtime.ts";
import { recastMoved } from "./moved.ts";
import type { WireOptions } from "./profile.ts";
import { rebuild } from "./rebuild.ts";

/** What a host's own journal and its fail2ban have to do with a courier. */
export interface HostSide extends Pick<
  Courier,
  "compareHolds" | "fail2banState" | "rebuild" | "recover" | "restartMs" | "stillBanned"
> {
  /** Has the host hold what the places of the configuration take. */
  adapt(): Promise<void>;
}

/** The host's own side of what it holds in this journal. */
export function wireHost(options: WireOptions<Journal>): HostSide {
  const { runtime, config, journal, log } = options;
  const fail2banState = () => readFail2ban(runtime, config);
  const comparing = async () => {
    const ranges = await knownRanges(journal);
    return {
      host: config.host,
      now: runtime.now(),
      networksOf: (name: string, address: Address) =>
        intake(address, intakeOptions(runtime, config, profileNamed(config, name), ranges)),
    };
  };
  return {
    fail2banState,
    restartMs: config.restartGraceMs,
    async adapt() {
      for (const profile of config.profiles.values()) await recastMoved(options, profile);
    },
    compareHolds: async (jails, state) => compareHolds(journal, jails, state, await comparing()),
    rebuild: async (profile, found) => {
      const state = fail2banState();
      if (state === null)
        throw new Failure("unavailable", "Cannot read fail2ban's bans now", { hint: "it is tried again" });
      await rebuild(options, profile, found, state);
    },
    stillBanned: () => {
      const state = fail2banState();
      return state === null ? null : bannedUntil(state.bans);
    },
    recover: async () => {
      const state = fail2banState();
      if (state === null) return;
      const count = await recoverBans(journal, state.bans, await comparing());
      if (count > 0) log("warn", "", `Recovered ${count} bans of fail2ban that the journal did not have`);
    },
  };
}

/** What fail2ban's database says, read anew; null when it cannot be read now. */
export function readFail2ban({ root }: Runtime, { fail2ban }: Config): Fail2banState | null {
  const database = databasePath(fail2ban);
  return database === null ? emptyState : readState(join(root, database));
}
