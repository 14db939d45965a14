import type { Config } from "../../config.ts";
import type { Holder } from "../../core/hold.ts";
import { exitCodes } from "../../errors.ts";
import type { HookJournal } from "../../journal/hook-journal.ts";
import type { Invocation } from "../invocation.ts";
import { wakeCourier } from "../wake.ts";

/** A rejected credential is said once per jail in this time: each non-zero ban is run twice by fail2ban. */
const shoutEveryMs = 600_000;

interface Finish {
  readonly config: Config;
  readonly journal: HookJournal;
  readonly holder: Holder;
  /** What the hook asks for, in canonical text. */
  readonly networks: readonly string[];
  readonly wait: boolean;
  /** Has a courier look at what is recorded. */
  readonly wake: () => void;
}

/** Has a courier deliver what a hook asks for, and returns the exit code. */
export async function finish(
  invocation: Invocation,
  { config, journal, holder, networks, wait, wake }: Finish,
): Promise<number> {
  const { runtime } = invocation;
  wake();
  if (wait) {
    const { waitForDelivery } = await import("../wait.ts");
    await waitForDelivery(runtime, config, holder.profile, networks);
    return 0;
  }
  const rejection = await journal.shout(holder, runtime.now(), shoutEveryMs);
  if (rejection === null) return 0;
  runtime.talk(`Recorded, but not delivered: ${rejection.reason}`);
  return exitCodes.rejected;
}

/** A flush that a stop or start follows was a restart's: its bans come back, so what it let go of is kept for a while. */
export async function deferRelease(
  invocation: Invocation,
  config: Config,
  journal: HookJournal,
  holder: Holder,
): Promise<number> {
  await journal.defer(holder, invocation.runtime.now() + config.restartGraceMs);
  wakeCourier(invocation.runtime, config);
  return 0;
}
