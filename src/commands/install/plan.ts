import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  actionFile,
  actionPath,
  asTokenAction,
  configurationFile,
  cronFile,
  localActionFile,
  localActionPath,
  localTokenActionPath,
  logrotateFile,
  noCredentialFile,
  noCredentialPath,
  programPath,
  tokenActionPath,
  unitFiles,
  unitNames,
} from "../../fail2ban/files.ts";
import { standing } from "../../fail2ban/seal.ts";
import type { Fail2banVersion } from "../../fail2ban/version.ts";
import { describe, linesOf, setting } from "./imported.ts";
import type { Move } from "./move.ts";
import { defaultFail2ban } from "./places.ts";
import type { Places } from "./places.ts";
import { planJail } from "./plan-jail.ts";
import { placeBinary, placeDirectory, placeFile, placeOnce, removeFile, restrictFile } from "./steps.ts";
import type { Step } from "./steps.ts";

export interface InstallOptions {
  readonly version: Fail2banVersion;
  readonly jail: boolean;
  /** Write cloudflare.local and leave cloudflare.conf to the package. */
  readonly local: boolean;
  readonly force: boolean;
  /** What is taken over of fail2ban's own actions. */
  readonly move: Move;
}

/** What an installation does to the files, and nothing done yet; a failure where it must not be done. */
export function planInstall(places: Places, binary: string, options: InstallOptions): readonly Step[] {
  const { move } = options;
  return guarded(move.readable, [
    ...planBinary(places, binary),
    placeDirectory(places.configDirectory, 0o700),
    planConfiguration(places, options),
    placeDirectory(places.journalDirectory, 0o700),
    ...planActions(places, options),
    placeFile(join(places.fail2ban, noCredentialPath), noCredentialFile, options),
    ...(options.jail ? [planJail(places, options)] : []),
    ...planCourier(places, options),
    ...planLogrotate(places, options),
  ]);
}

/** The action, and the one in place of cloudflare-token's where a jail may use that. */
function planActions(places: Places, options: InstallOptions): readonly Step[] {
  const { version, local, move } = options;
  const text = calling(places, local ? localActionFile(version) : actionFile(version));
  const under = (path: string): string => join(places.fail2ban, path);
  const [wanted, other] = local ? [localActionPath, actionPath] : [actionPath, localActionPath];
  const [token, otherToken] = local
    ? [localTokenActionPath, tokenActionPath]
    : [tokenActionPath, localTokenActionPath];
  const standsThere = [token, otherToken].some((path) => standing(under(path)).kind === "ours");
  const formerVariants = [other, otherToken].map((path) => removeFile(under(path), options));
  return [
    placeFile(under(wanted), text, options),
    ...(move.token || standsThere ? [placeFile(under(token), asTokenAction(text), options)] : []),
    ...formerVariants.filter((step) => step !== null),
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

/** The skeleton, with what is taken over. */
function planConfiguration(places: Places, { move }: InstallOptions): Step {
  const own = places.fail2banName === defaultFail2ban ? [] : [setting("fail2ban", places.fail2banName)];
  const { settings, tables } = linesOf(move.imports);
  const step = placeOnce(places.config, configurationFile([...own, ...settings], tables), 0o600);
  const note = (step.sign === "+" ? move.imports : move.missing).map(describe).join("; ");
  if (note === "") return step;
  return {
    ...step,
    note:
      step.sign === "+"
        ? `"${places.config}" has what fail2ban's configuration had: ${note}`
        : `"${places.config}" lacks what fail2ban's configuration has: ${note}`,
  };
}

/** The steps, and that nobody else reads the files given, be they replaced or not. */
function guarded(readable: readonly string[], steps: readonly Step[]): readonly Step[] {
  const replaced = new Set(steps.filter(({ sign }) => sign !== "=").map(({ path }) => path));
  const alone = readable.filter((path) => !replaced.has(path)).map(restrictFile);
  return [
    ...alone,
    ...steps.map((step): Step => {
      if (!replaced.has(step.path) || !readable.includes(step.path)) return step;
      return {
        ...step,
        // Before it is kept under another name.
        apply(transaction) {
          transaction.restrict(step.path);
          step.apply?.(transaction);
        },
      };
    }),
  ];
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
