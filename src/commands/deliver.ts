import { defineCommand } from "citty";
import { loadConfig, stampOf } from "../config.ts";
import type { Config } from "../config.ts";
import { anythingDue, obstacle, runCourier, runOnce } from "../core/courier.ts";
import { credentialPaths } from "../credential.ts";
import { Failure } from "../errors.ts";
import { takeCourierLock } from "../journal/lock.ts";
import type { CourierLock } from "../journal/lock.ts";
import { clearSuspicion, isCorrupt, isSuspect, setAside, suspect } from "../journal/rescue.ts";
import { openSqlite } from "../journal/sqlite.ts";
import type { SqliteJournal } from "../journal/sqlite.ts";
import { openLog } from "../log.ts";
import type { Log } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { wireCourier } from "../wire.ts";
import type { Invocation } from "./invocation.ts";
import { removeWakeFile } from "./wake.ts";

/** A hook that looks whether a courier is at work holds the lock for an instant. */
const lockTries = 5;
const lockTryMs = 20;

/** How long `--once` waits for a courier that is at work. */
const onceTries = 1_500;

export const deliver = ({ runtime, configPath }: Invocation) =>
  defineCommand({
    meta: { name: "deliver", description: "Deliver what is pending to Cloudflare" },
    args: {
      once: {
        type: "boolean",
        description: "One pass; the exit status says whether all was delivered",
        default: false,
      },
    },
    async run({ args }) {
      if (args.once) return deliverOnce(runtime, configPath);
      while (await deliverUntilIdle(runtime, configPath)) continue;
      return 0;
    },
  });

/** True when there is more to do: the configuration has changed, or something came while the lock was let go. */
async function deliverUntilIdle(runtime: Runtime, configPath: string): Promise<boolean> {
  const config = loadConfig(runtime, configPath);
  const lock = await takeLock(runtime, config, lockTries);
  if (lock === null) return false;
  const log = openLog(runtime, config.log);
  using journal = openJournal(runtime, config, log);
  const stamp = stampOf(credentialPaths(runtime, config));
  const outdated = (): boolean => stampOf(credentialPaths(runtime, config)) !== stamp;
  await using courier = await wireCourier(
    { runtime, config, journal, log },
    { beforeLook: () => removeWakeFile(config), outdated },
  );
  try {
    await runCourier(courier, runtime.signal);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    suspect(config.journal);
    return true;
  } finally {
    lock[Symbol.dispose]();
  }
  return !runtime.signal.aborted && (outdated() || (await anythingDue(courier)));
}

async function deliverOnce(runtime: Runtime, configPath: string): Promise<number> {
  const config = loadConfig(runtime, configPath);
  using lock = await takeLock(runtime, config, onceTries);
  if (lock === null) {
    throw new Failure("unavailable", "Cannot deliver now: another courier is still at work", {
      hint: "see: fail2ban-cloudflare status",
    });
  }
  const log = openLog(runtime, config.log);
  using journal = openJournal(runtime, config, log);
  for (const name of config.profiles.keys()) {
    await journal.clearPauses(name);
    await journal.hurry(name);
  }
  await using courier = await wireCourier(
    { runtime, config, journal, log },
    { beforeLook: () => removeWakeFile(config), outdated: () => false },
  );
  for (const { gate } of courier.deliveries) await gate.hurry();
  await runOnce(courier, runtime.signal);
  const left = await obstacle(courier, runtime.now());
  if (left !== null) throw left;
  return 0;
}

/** The journal, a new one where the old is broken: the courier fills it from fail2ban's bans and the edge. */
function openJournal(runtime: Runtime, config: Config, log: Log): SqliteJournal {
  try {
    const journal = openSqlite(config.journal);
    if (isSuspect(config.journal)) journal.verify();
    return journal;
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    const aside = setAside(config.journal, runtime.now());
    log(
      "error",
      "",
      `The journal is broken: set aside as "${aside}", rebuilt from fail2ban's bans and the edge`,
    );
    return openSqlite(config.journal);
  } finally {
    clearSuspicion(config.journal);
  }
}

async function takeLock(runtime: Runtime, config: Config, tries: number): Promise<CourierLock | null> {
  for (let attempt = 1; attempt <= tries && !runtime.signal.aborted; attempt += 1) {
    const lock = takeCourierLock(config.journal);
    if (lock !== null) return lock;
    await runtime.sleep(lockTryMs, runtime.signal);
  }
  return null;
}
