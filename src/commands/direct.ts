import type { Config, ProfileConfig } from "../config.ts";
import type { Address } from "../core/address.ts";
import type { Holder, Mode } from "../core/hold.ts";
import { Failure } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { openDirectly } from "../wire.ts";

/** fail2ban waits for us under its global lock, so a ban without a journal gets this long and no longer. */
const deadlineMs = 8_000;

export interface DirectBan {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly profile: ProfileConfig;
  readonly holder: Holder;
  readonly networks: readonly Address[];
  readonly mode: Mode;
}

/**
 * Blocks at once, as the journal cannot record it; the courier finds the rule by its mark once there is a journal again.
 * Always throws: the ban is not journaled, and fail2ban's log is to say so.
 */
export async function banDirectly(ban: DirectBan, journalFailure: Failure): Promise<never> {
  const { runtime, config, profile, holder, networks, mode } = ban;
  const deadline = AbortSignal.any([AbortSignal.timeout(deadlineMs), runtime.signal]);
  const blocked: string[] = [];
  let obstacle: unknown = null;
  try {
    const { places, troubles } = await openDirectly({ runtime, config, profile, hardStop: deadline });
    obstacle = troubles[0]?.failure ?? null;
    for (const place of places.filter((one) => one.mode === null || one.mode === mode)) {
      const changes = networks.map((network) => ({ kind: "add", network, mode, jail: holder.jail }) as const);
      for await (const settled of place.apply(changes, deadline)) {
        if ("failure" in settled) obstacle = settled.failure;
        else if (settled.outcome === "full")
          obstacle = new Failure("refused", `Cannot block at ${place.label}: it is full`, {
            hint: "see: fail2ban-cloudflare status",
          });
        else blocked.push(`${settled.change.network.text} at ${place.label}`);
      }
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    obstacle = error;
  }
  const done = blocked.length === 0 ? "not blocked" : `blocked directly: ${blocked.slice(0, 3).join(", ")}`;
  const state = obstacle instanceof Failure ? `${done}; ${obstacle.message}` : done;
  throw new Failure("journal", `${journalFailure.message}; ${state}`, {
    ...(journalFailure.hint === undefined ? {} : { hint: journalFailure.hint }),
    cause: journalFailure,
  });
}
