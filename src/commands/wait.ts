import type { Config } from "../config.ts";
import { Failure } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { openViews } from "./views.ts";

const deadlineMs = 60_000;
const lookEveryMs = 50;

/** What was wrong before we came is believed after the courier has had this time to try again. */
const oldNewsMs = 2_000;

/** Returns when nothing of the networks is pending; throws why it will not be soon. */
export async function waitForDelivery(
  runtime: Runtime,
  config: Config,
  profile: string,
  networks: readonly string[],
): Promise<void> {
  await using views = await openViews(runtime, config);
  const { now } = views;
  const beganAt = now();
  let reason = "the courier has not answered";
  while (now() - beganAt < deadlineMs && !runtime.signal.aborted) {
    const states = await Promise.all(networks.map((network) => views.progress(profile, network)));
    const left = states.filter((state) => state !== null);
    if (left.length === 0) return;
    const parked = left.find((state) => state.parked);
    if (parked !== undefined) throw new Failure("refused", parked.reason ?? "Cloudflare refuses it");
    reason = left.find((state) => state.reason !== null)?.reason ?? reason;
    const { pauses } = await views.backlog();
    const lasting = pauses.find(
      ({ kind, subject }) => kind !== "unavailable" && subject.startsWith(`profile:${profile}/`),
    );
    if (lasting !== undefined && now() - beganAt > (lasting.sinceAt >= beganAt ? 0 : oldNewsMs)) {
      throw new Failure(lasting.kind, lasting.reason);
    }
    reason = pauses.find(({ kind }) => kind === "unavailable")?.reason ?? reason;
    await runtime.sleep(lookEveryMs, runtime.signal);
  }
  throw new Failure("unavailable", `Recorded, but not delivered after ${deadlineMs / 1_000} s: ${reason}`, {
    hint: "it is retried; see: fail2ban-cloudflare status",
  });
}
