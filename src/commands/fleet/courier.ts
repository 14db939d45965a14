import type { Config, FleetConfig } from "../../config.ts";
import type { Courier } from "../../core/courier.ts";
import type { FleetJournal } from "../../core/fleet.ts";
import { compareWithFleet, joinHolds } from "../../core/member.ts";
import type { Member } from "../../core/member.ts";
import { Failure } from "../../errors.ts";
import { emptyState } from "../../fail2ban/bips.ts";
import { openSpool } from "../../journal/spool.ts";
import type { Log } from "../../log.ts";
import type { Runtime } from "../../runtime.ts";
import { wireCourier } from "../../wire.ts";
import { openFleetJournal } from "../../wire/fleet.ts";
import { wireHost } from "../../wire/host.ts";
import type { HostSide } from "../../wire/host.ts";
import type { PatientCourier } from "../patient-courier.ts";
import { removeWakeFile } from "../wake.ts";

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
    restartMs: config.restartGraceMs,
    // Of a host that is absent nobody can say what its fail2ban still bans.
    stillBanned: () => () => null,
    fail2banState: () => emptyState,
    compareHolds: async () => ({ missing: [], moved: [], over: [] }),
    recover: async () => {},
    rebuild: async () => {},
    adapt: async () => {},
  };
  const options = { runtime: { ...runtime, now }, config, journal: fleet, log };
  return wireCourier(options, { ...others, ...host }, hooks);
}

/** The same for a person's command: waits for the fleet's courier, and joins what this host holds first. */
export async function patientFleetCourier(
  runtime: Runtime,
  config: Config,
  fleetConfig: FleetConfig,
  log: Log,
): Promise<PatientCourier & { readonly member: Member }> {
  await using stack = new AsyncDisposableStack();
  const own = stack.use(openSpool(config.journal));
  const fleet = stack.use(await openFleetJournal(runtime, config, fleetConfig));
  const { compareHolds, fail2banState, ...host } = wireHost({ runtime, config, journal: own, log });
  const member = { host: config.host, own, fleet, now: runtime.now };
  const join = async (): Promise<void> => void (await joinHolds(member));
  await host.adapt();
  await compareWithFleet(member);
  await join();
  await leadPatiently(runtime, fleet);
  const recover = async (): Promise<void> => {
    await host.recover();
    await join();
  };
  const hooks = { beforeLook: () => removeWakeFile(config), outdated: () => false };
  const side = { compareHolds, fail2banState, recover };
  const courier = await fleetCourier({ runtime, config, fleet, log }, side, hooks);
  stack.defer(() => letGo(courier));
  const owned = stack.move();
  return { ...courier, member, own, join, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function leadPatiently({ now, sleep, signal }: Runtime, fleet: FleetJournal): Promise<void> {
  const beganAt = now();
  while (!(await fleet.lead())) {
    if (now() - beganAt > patienceMs || signal.aborted) {
      throw new Failure("unavailable", "Cannot deliver now: the fleet's courier is still at work", {
        hint: "see: fail2ban-cloudflare status",
      });
    }
    await fleet.ask();
    await sleep(tryEveryMs, signal);
  }
}

/** Where the session is over, what was booked counts as used, and whoever used it has said so. */
async function letGo(courier: AsyncDisposable): Promise<void> {
  try {
    await courier[Symbol.asyncDispose]();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}
