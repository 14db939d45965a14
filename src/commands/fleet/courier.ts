import type { Config } from "../../config.ts";
import type { Courier } from "../../core/courier.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import { joinHolds } from "../../core/member.ts";
import { Failure } from "../../errors.ts";
import type { FleetConfig } from "../../fleet-config.ts";
import { openSpool } from "../../journal/spool.ts";
import { openLog } from "../../log.ts";
import type { Log } from "../../log.ts";
import type { Runtime } from "../../runtime.ts";
import { wireCourier, wireHost } from "../../wire.ts";
import type { HostSide } from "../../wire.ts";
import { removeWakeFile } from "../wake.ts";
import { openFleetJournal } from "./open.ts";

/** How long a person's command waits for the fleet's courier, wherever it is at work. */
const patienceMs = 30_000;
const tryEveryMs = 200;

export interface FleetCourierOptions {
  readonly runtime: Runtime;
  readonly config: Config;
  readonly fleet: FleetJournal;
  readonly log: Log;
}

/** A fleet's courier, by the database's clock; what fail2ban says is looked after by every host itself. */
export async function fleetCourier(
  { runtime, config, fleet, log }: FleetCourierOptions,
  host: Partial<HostSide>,
  hooks: Pick<Courier, "beforeLook" | "outdated">,
): Promise<Courier & AsyncDisposable> {
  const now = (): number => runtime.now() + fleet.aheadMs();
  const others: HostSide = {
    restartMs: 0,
    // Of a host that is absent nobody can say what its fail2ban still bans.
    stillBanned: () => () => null,
    recover: async () => {},
    rebuild: async () => {},
  };
  const options = { runtime: { ...runtime, now }, config, journal: fleet, log };
  return wireCourier(options, { ...others, ...host }, hooks);
}

/** The same for a person's command: waits for the fleet's courier, and joins what this host holds first. */
export async function patientFleetCourier(
  runtime: Runtime,
  config: Config,
  fleetConfig: FleetConfig,
): Promise<Courier & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const log = openLog(runtime, config.log);
  const own = stack.use(openSpool(config.journal));
  const fleet = stack.use(await openFleetJournal(runtime, config, fleetConfig));
  const host = wireHost({ runtime, config, journal: own, log });
  const join = () => joinHolds({ host: config.host, own, fleet, now: runtime.now });
  await join();
  await leadPatiently(runtime, fleet);
  const recover = async (): Promise<void> => {
    await host.recover();
    await join();
  };
  const hooks = { beforeLook: () => removeWakeFile(config), outdated: () => false };
  const courier = stack.use(await fleetCourier({ runtime, config, fleet, log }, { recover }, hooks));
  const owned = stack.move();
  return { ...courier, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function leadPatiently({ now, sleep, signal }: Runtime, fleet: FleetJournal): Promise<void> {
  const beganAt = now();
  while (!(await fleet.lead())) {
    if (now() - beganAt > patienceMs || signal.aborted) {
      throw new Failure("unavailable", "Cannot deliver now: the fleet's courier is still at work", {
        hint: "see: fail2ban-cloudflare status",
      });
    }
    await sleep(tryEveryMs, signal);
  }
}
