import { Failure } from "../../errors.ts";
import type { Fail2banClient } from "../../fail2ban/client.ts";
import type { Dump, DumpedJail } from "../../fail2ban/dump.ts";
import { actionName, jailName, programName, tokenActionName } from "../../fail2ban/files.ts";
import { callsUs } from "../../fail2ban/ours.ts";
import { overridesOf } from "../../fail2ban/overrides.ts";
import type { Runtime } from "../../runtime.ts";

/** How fail2ban stood before anything was changed. */
export interface Before {
  /** What was wrong with its configuration: not our doing, and not in our way. */
  readonly errors: readonly string[];
  readonly running: boolean;
  /** The jail is among those that the server runs. */
  readonly hasJail: boolean;
  /** Jails that use an action in whose place ours stands, or is to. */
  readonly users: readonly string[];
}

export async function lookBefore(runtime: Runtime, fail2ban: Fail2banClient): Promise<Before> {
  const errors = await fail2ban.configErrors();
  for (const error of errors) {
    const remedy = remedyOf(error);
    const hint = remedy === null ? "" : ` (${remedy})`;
    runtime.talk(`fail2ban's configuration was broken before: ${error}${hint}`);
  }
  const running = await fail2ban.isRunning();
  const { jails } = await fail2ban.dump();
  return {
    errors,
    running,
    hasJail: running && (await fail2ban.actionsOf(jailName)) !== null,
    users: [...jails]
      .filter(([, jail]) => jail.actions.some((action) => isReplaced(jail, action)))
      .map(([name]) => name),
  };
}

/** Fails when fail2ban refuses a configuration that it took before. */
export async function refuseNewErrors(fail2ban: Fail2banClient, before: Before): Promise<void> {
  const fresh = (await fail2ban.configErrors()).filter((error) => !before.errors.includes(error));
  if (fresh.length === 0) return;
  throw new Failure("config", `fail2ban refuses its configuration with this change: ${fresh.join("; ")}`, {
    hint: "mend what it names, and run this again",
  });
}

/** Fails unless the jail has both actions, and the one of our name is ours. */
export function checkJail(dump: Dump, directory: string): void {
  const overrides = overridesOf(directory, jailName);
  const blame =
    overrides.length === 0 ? "fail2ban-client -d shows what it reads" : `see "${overrides.at(-1)?.path}"`;
  const refuse = (state: string): Failure =>
    new Failure("config", `Cannot enable jail "${jailName}": ${state}`, {
      hint: `${blame}, or leave the jail out: install --no-jail`,
    });
  const jail = dump.jails.get(jailName);
  if (jail === undefined) {
    throw refuse(dump.errors.find((error) => error.includes(jailName)) ?? "fail2ban does not start it");
  }
  if (!jail.actions.includes(actionName)) throw refuse(`it has no action ${actionName}`);
  if (!callsUs(jail, actionName)) {
    throw new Failure("config", `Cannot use action "${actionName}": it does not call ${programName}`, {
      hint: `see "${directory}/action.d/cloudflare.local"`,
    });
  }
  const chosen = overrides.some(({ options }) => options.has("action"));
  if (jail.actions.length < 2 && !chosen) throw refuse("it has no local action");
  if (jail.logs.length === 0 && jail.backend !== "systemd") throw refuse("no file matches its logpath");
}

/** Fails when a jail would still call a program that goes. */
export function checkUnused(dump: Dump): void {
  const user = [...dump.jails].find(([, jail]) => jail.actions.some((action) => callsUs(jail, action)));
  if (user === undefined) return;
  throw new Failure("config", `Cannot uninstall: jail "${user[0]}" still calls ${programName}`, {
    hint: `take ${actionName} out of its action, or, where an edited file of ours is left: uninstall --force`,
  });
}

/** Has the running server use what stands in the files now. */
export async function reloadInto(runtime: Runtime, fail2ban: Fail2banClient, before: Before): Promise<void> {
  // What began before us is not lifted by what was there before us: ours goes on with it.
  if (before.hasJail) await fail2ban.hush(jailName, actionName);
  await fail2ban.reloadJail(jailName);
  // Where the server does not take a jail that is new to it by itself.
  if ((await fail2ban.actionsOf(jailName)) === null) await fail2ban.reload();
  const actions = await fail2ban.actionsOf(jailName);
  if (actions?.includes(actionName) !== true) {
    const state = actions === null ? "it does not run it" : `its actions are ${actions.join(", ")}`;
    throw new Failure("unavailable", `fail2ban did not take the action into jail "${jailName}": ${state}`, {
      hint: "see /var/log/fail2ban.log",
    });
  }
  await reloadOthers(runtime, fail2ban, before);
}

/** Has the jails that used such an action before use the one that stands there now; none of their bans is lifted. */
export async function reloadUsers(
  runtime: Runtime,
  fail2ban: Fail2banClient,
  { errors, users }: Pick<Before, "errors" | "users">,
): Promise<void> {
  if (users.length === 0) return;
  if (errors.length === 0) return await fail2ban.reload();
  runtime.talk(
    `mend fail2ban's configuration, then: fail2ban-client reload (for ${users.join(", ")}, which use ${actionName} too)`,
  );
}

/** The same, for all jails but ours, which is told apart. */
async function reloadOthers(runtime: Runtime, fail2ban: Fail2banClient, before: Before): Promise<void> {
  const users = before.users.filter((name) => name !== jailName);
  await reloadUsers(runtime, fail2ban, { ...before, users });
}

/** Has the running server use the files as they are without our jail. */
export async function reloadOut(runtime: Runtime, fail2ban: Fail2banClient, before: Before): Promise<void> {
  const { jails } = await fail2ban.dump();
  if (jails.has(jailName)) await fail2ban.reloadJail(jailName);
  else if ((await fail2ban.actionsOf(jailName)) !== null) await fail2ban.stopJail(jailName);
  await reloadOthers(runtime, fail2ban, before);
}

/** Ours stands in place of the action's file, or did: it may bear another name in the jail. */
function isReplaced(jail: DumpedJail, action: string): boolean {
  return [actionName, tokenActionName].includes(action) || jail.options(action).has("cftoken");
}

/** What mends a fault of fail2ban's configuration; null where nothing is known of it. */
export function remedyOf(error: string): string | null {
  // Stock Debian 12 is like this: fail2ban watches sshd's log, and nothing writes one.
  const jail = /any log file for (\S+) jail/.exec(error)?.[1];
  if (jail === undefined) return null;
  return `write "[${jail}]" and "backend = systemd" into jail.d/${jail}.local, or install what writes its log, as rsyslog`;
}
