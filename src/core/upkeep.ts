import type { Courier } from "./courier.ts";
import { flushedMs } from "./hold.ts";
import type { CourierJournal } from "./journal.ts";
import { isOver } from "./over.ts";
import { syncProfile } from "./sync.ts";

/** fail2ban's bans are read so often, in case a hook could not record one. */
const recoverEveryMs = 600_000;

/** The edge is compared so often, in case somebody changed it. */
const syncEveryMs = 3_600_000;

/** A comparison that did not come to every place is made again after this time. */
const syncAgainMs = 600_000;

/** fail2ban unbans at a ban's end by itself; what is left this long after it is ours to end. */
export const slackMs = 60_000;

/** A sweep that could not ask fail2ban is tried again after this time. */
const sweepAgainMs = 30_000;

/** What of a host's own journal has to be looked after, whoever delivers. */
export type Upkeep = Pick<Courier, "recover" | "stillBanned" | "restartMs" | "now"> & {
  readonly journal: Pick<CourierJournal, "fact" | "setFact" | "nextEndAt" | "sweep" | "hasten">;
};

/** Mends moments that a clock, set forward for a while, has put too far ahead. */
export async function hasten({ journal, restartMs, now }: Upkeep): Promise<void> {
  await journal.hasten(now() + Math.max(restartMs, flushedMs));
}

/** Ends what is over; returns when the next sweep may be at the earliest. */
export async function sweepIfDue(
  { journal, restartMs, now, stillBanned }: Upkeep,
  notBefore: number,
): Promise<number> {
  const at = await journal.nextEndAt(slackMs);
  if (at === null || at > now() || notBefore > now()) return notBefore;
  const stillBannedUntil = stillBanned();
  if (stillBannedUntil === null) return now() + sweepAgainMs;
  await journal.sweep(now(), { slackMs, restartMs, stillBannedUntil });
  return 0;
}

/** Holds what fail2ban bans and no hook could record. */
export async function recoverIfDue({ journal, recover, now }: Upkeep): Promise<void> {
  if (!(await isOver(journal, "recovered_at", recoverEveryMs, now()))) return;
  await recover();
  await journal.setFact("recovered_at", String(now()));
}

/** Compares every place. A journal is new until that has been done once, and takes over what it finds. */
export async function syncIfDue(courier: Courier): Promise<void> {
  const { journal, deliveries, now, rebuild, recover } = courier;
  if (!(await isOver(journal, "synced_at", syncEveryMs, now()))) return;
  if (!(await isOver(journal, "sync_tried_at", syncAgainMs, now()))) return;
  const fresh = (await journal.fact("synced_at")) === null;
  let [tried, complete] = [false, true];
  for (const delivery of deliveries) {
    const places = await syncProfile(delivery, {
      async found(entries) {
        if (fresh) await rebuild(delivery.profile.name, entries);
      },
      failed: () => void (complete = false),
    });
    if (places === null) complete = false;
    else tried = true;
  }
  if (tried) {
    await journal.setFact("sync_tried_at", String(now()));
    await courier.refreshRanges();
  }
  if (!complete) return;
  if (fresh) await recover();
  await journal.setFact("synced_at", String(now()));
}
