import { placeOf } from "../cloudflare/access-rules.ts";
import type { Call } from "../cloudflare/client.ts";
import { seesZone } from "../cloudflare/zones.ts";
import type { NamedZone } from "../cloudflare/zones.ts";
import type { ProfileConfig } from "../config.ts";
import type { Pause } from "../core/call-ledger.ts";
import { pausedUntil } from "../core/gate.ts";
import { subjectOf } from "../core/trouble.ts";
import { Failure } from "../errors.ts";
import type { WireOptions } from "./profile.ts";

/** How the places of a profile stand with Cloudflare, by their labels, as the journal has it. */
export interface Standing {
  /** Why a place is not to be looked up now, or rules not to be renewed; null: they may be. */
  paused(label: string): Promise<Failure | null>;
  /** Whether a place was refused when it was last asked for something, and may be asked again. */
  refused(label: string): Promise<boolean>;
  /** Rules are as they are to be, whatever was in their way. */
  mended(label: string): Promise<void>;
  /** A zone of the configuration is found by this id. */
  met(zone: NamedZone, call: Call): Promise<void>;
}

/** Where there is no journal. */
export const noStanding: Standing = {
  paused: async () => null,
  refused: async () => false,
  mended: async () => {},
  met: async () => {},
};

export function standingOf(
  { runtime, journal, log }: WireOptions,
  profile: ProfileConfig,
  fingerprint: string,
): Standing {
  const { now } = runtime;
  const isRunning = (pause: Pause | null): boolean => pausedUntil(pause, now()) > now();
  return {
    async paused(label) {
      const pause = await journal.pause(subjectOf(profile, label));
      return pause !== null && isRunning(pause) ? new Failure(pause.kind, pause.reason) : null;
    },
    async refused(label) {
      const pause = await journal.pause(subjectOf(profile, label));
      return pause !== null && pause.kind !== "unavailable" && !isRunning(pause);
    },
    async mended(label) {
      const subject = subjectOf(profile, label);
      if ((await journal.pause(subject)) === null) return;
      await journal.setPause(subject, null);
      await journal.succeeded({ profile: profile.name, credential: fingerprint, label, place: null }, now());
    },
    async met({ id, name }, call) {
      const fact = `zone-of:${profile.name}:${name}`;
      const before = await journal.fact(fact);
      if (before === id) return;
      // Where both are there, as in two accounts, the former is emptied as any that is left.
      if (before !== null && !(await seesZone(call, { id: before, name }))) {
        log("warn", "", `Zone ${name} has another id at Cloudflare now: what is held is blocked there anew`);
        await journal.recheck(profile.name, "all", now());
        const rows = await journal.known(placeOf({ kind: "zone", id: before }));
        const gone = rows.map(({ network }) => ({ network, row: null }));
        await journal.record(placeOf({ kind: "zone", id: before }), profile.name, gone);
      }
      await journal.setFact(fact, id);
    },
  };
}
