import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure } from "../../errors.ts";
import { actionOptions } from "../../fail2ban/action-options.ts";
import {
  actionFile,
  actionPath,
  configurationFile,
  cronFile,
  jailFile,
  jailLogs,
  jailName,
  jailPath,
  localActionFile,
  localActionPath,
  logrotateFile,
  noCredentialFile,
  noCredentialPath,
  programPath,
  unitFiles,
  unitNames,
} from "../../fail2ban/files.ts";
import { overridesOf } from "../../fail2ban/overrides.ts";
import { standing } from "../../fail2ban/seal.ts";
import { isAtLeast } from "../../fail2ban/version.ts";
import type { Fail2banVersion } from "../../fail2ban/version.ts";
import { defaultFail2ban } from "./places.ts";
import type { Places } from "./places.ts";
import { placeBinary, placeDirectory, placeFile, placeOnce, removeFile } from "./steps.ts";
import type { Step } from "./steps.ts";

export interface InstallOptions {
  readonly version: Fail2banVersion;
  readonly jail: boolean;
  /** Write cloudflare.local and leave cloudflare.conf to the package. */
  readonly local: boolean;
  readonly force: boolean;
}

/** What an installation does to the files, and nothing done yet; a failure where it must not be done. */
export function planInstall(places: Places, binary: string, options: InstallOptions): readonly Step[] {
  const { version, local } = options;
  const [wanted, other] = local ? [localActionPath, actionPath] : [actionPath, localActionPath];
  const action = calling(places, local ? localActionFile(version) : actionFile(version));
  const configuration = planConfiguration(places, options);
  const formerVariant = removeFile(join(places.fail2ban, other), options);
  return [
    ...planBinary(places, binary),
    placeDirectory(places.configDirectory, 0o700),
    configuration,
    placeDirectory(places.journalDirectory, 0o700),
    placeFile(join(places.fail2ban, wanted), action, options),
    ...(formerVariant === null ? [] : [formerVariant]),
    placeFile(join(places.fail2ban, noCredentialPath), noCredentialFile, options),
    ...(options.jail ? [planJail(places, options)] : []),
    ...planCourier(places, options),
    ...planLogrotate(places, options),
  ];
}

/** A package's program stays where it is. */
function planBinary(places: Places, binary: string): readonly Step[] {
  return places.packaged ? [] : [placeBinary(places.binary, binary)];
}

/** A program that was installed without the package whose program takes over: it goes when nothing calls it any more. */
export function planOtherBinary({ root, binary, packaged }: Places): readonly Step[] {
  const other = join(root, programPath);
  if (!packaged || !existsSync(other)) return [];
  const note = `"${other}" goes: the package's "${binary}" is used from now on`;
  return [{ sign: "-", path: other, note, apply: (transaction) => transaction.remove(other) }];
}

/** A file of ours, with the path of the program that is installed. */
function calling({ program }: Places, text: string): string {
  return text.replaceAll(programPath, program);
}

/** The skeleton; a credential of the action file that goes is taken over, as the guides put it there. */
function planConfiguration(places: Places, { local }: InstallOptions): Step {
  const former = join(places.fail2ban, actionPath);
  const { cfuser, cftoken, path } = actionOptions(places.fail2ban);
  const leaving = !local && cftoken !== "" && path === former && standing(former).kind === "foreign";
  const lines = places.fail2banName === defaultFail2ban ? [] : [setting("fail2ban", places.fail2banName)];
  if (leaving && cfuser === "") lines.push(setting("api_token", cftoken));
  if (leaving && cfuser !== "") lines.push(setting("email", cfuser), setting("api_key", cftoken));
  const step = placeOnce(places.config, configurationFile(lines), 0o600);
  if (!leaving) return step;
  const note =
    step.sign === "+"
      ? `"${places.config}" has the credential of "${former}" now`
      : `"${former}" had a credential: copy it into "${places.config}" unless there is one`;
  return { ...step, note };
}

function setting(key: string, value: string): string {
  return `${key} = ${JSON.stringify(value)}`;
}

/** Why the jail would keep fail2ban from starting; null where it would not. */
export function jailObstacle(places: Places, version: Fail2banVersion): Failure | null {
  const refuse = (state: string, hint: string): Failure =>
    new Failure("config", `Cannot enable jail "${jailName}": ${state}`, {
      hint: `${hint}, or leave the jail out: install --no-jail`,
    });
  if (!isAtLeast(version, [0, 9]))
    return refuse("this fail2ban does not read jail.d", "upgrade fail2ban to 0.9.4 or later");
  const filters = join(places.fail2ban, "filter.d");
  if (existsSync(filters) && !existsSync(join(filters, `${jailName}.conf`)))
    return refuse(`"${filters}/${jailName}.conf" is missing`, "upgrade fail2ban to 0.9.4 or later");
  const overrides = overridesOf(places.fail2ban, jailName);
  const logsElsewhere = overrides.some(({ options }) => options.has("logpath") || options.has("backend"));
  if (places.live && !logsElsewhere && globSync(join(places.root, jailLogs)).length === 0)
    return refuse(`no file matches ${jailLogs}, and fail2ban would not start`, "install nginx");
  return null;
}

function planJail(places: Places, { version, force }: InstallOptions): Step {
  const obstacle = jailObstacle(places, version);
  if (obstacle !== null) throw obstacle;
  const step = placeFile(
    join(places.fail2ban, jailPath),
    jailFile(version, { iptables: hasIptables(places) }),
    {
      force,
    },
  );
  const winner = overridesOf(places.fail2ban, jailName).findLast(({ options }) => options.has("action"));
  if (winner === undefined) return step;
  const note = `"${winner.path}" sets another action for jail "${jailName}", and wins: it must name cloudflare too`;
  return { ...step, note: step.note === undefined ? note : `${step.note}; ${note}` };
}

function hasIptables({ root, live }: Places): boolean {
  const system = live || existsSync(join(root, "/usr/bin")) || existsSync(join(root, "/bin"));
  const directories = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];
  return !system || directories.some((directory) => existsSync(join(root, directory, "iptables")));
}

/** What starts the courier beside the hooks. */
function planCourier(places: Places, { force }: InstallOptions): readonly Step[] {
  if (places.systemd)
    return unitNames.map((name) =>
      placeFile(places.units[name], calling(places, unitFiles[name]), { force }),
    );
  const step = placeFile(places.cron, calling(places, cronFile), { force });
  if (!places.live || existsSync(dirname(places.cron))) return [step];
  const note = `there is no systemd and no "${dirname(places.cron)}": have "${places.binary} deliver" run every minute`;
  return [{ sign: "=", path: places.cron, note }];
}

function planLogrotate(places: Places, { force }: InstallOptions): readonly Step[] {
  if (places.live && !existsSync(dirname(places.logrotate))) return [];
  return [placeFile(places.logrotate, logrotateFile, { force })];
}
