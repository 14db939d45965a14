import { defineCommand } from "citty";
import { Failure } from "../errors.ts";
import { findFail2ban } from "../fail2ban/client.ts";
import type { Fail2banClient } from "../fail2ban/client.ts";
import { actionName, jailName } from "../fail2ban/files.ts";
import type { Runtime } from "../runtime.ts";
import { carryOut, show, tell } from "./install/carry-out.ts";
import type { Activation } from "./install/carry-out.ts";
import { asBefore } from "./install/choices.ts";
import { refuseDowngrade } from "./install/downgrade.ts";
import {
  checkJail,
  lookBefore,
  refuseNewErrors,
  reloadInto,
  reloadOut,
  reloadUsers,
} from "./install/fail2ban.ts";
import type { Before } from "./install/fail2ban.ts";
import { lookingAtFiles } from "./install/file-failure.ts";
import { findMove, noMove } from "./install/move.ts";
import type { Move } from "./install/move.ts";
import { askOnTerminal, isWanted } from "./install/offer.ts";
import type { Ask } from "./install/offer.ts";
import { defaultFail2ban, placesOf } from "./install/places.ts";
import type { Places } from "./install/places.ts";
import { planInstall, planOtherBinary } from "./install/plan.ts";
import type { Step } from "./install/steps.ts";
import { disableUnits, enableUnits, reloadUnits } from "./install/systemd.ts";
import type { Invocation } from "./invocation.ts";

/** What is written where no fail2ban can be asked. */
const currentVersion = [1, 1] as const;

export const install = ({ runtime }: Invocation, ask: Ask = askOnTerminal) =>
  defineCommand({
    meta: {
      name: "install",
      description: "Place program, action, jail and what runs the courier",
      group: "setup",
      examples: ["install --dry-run", "install"],
    },
    args: {
      "dry-run": { type: "boolean", description: "Only show what would be done", default: false },
      root: { type: "string", description: "Place all files under DIR, and run nothing", valueHint: "DIR" },
      jail: {
        type: "boolean",
        description: "Enable jail nginx-limit-req",
        negativeDescription: "Leave jail nginx-limit-req out",
        default: true,
      },
      local: {
        type: "boolean",
        description: "Write action.d/cloudflare.local and leave the package's cloudflare.conf alone",
        default: false,
      },
      fail2ban: {
        type: "string",
        description: "fail2ban's configuration directory",
        default: defaultFail2ban,
        valueHint: "DIR",
      },
      import: {
        type: "boolean",
        description: "Take over credentials of fail2ban's own actions without asking",
        negativeDescription: "Leave credentials of fail2ban's own actions where they are",
      },
      force: { type: "boolean", description: "Replace files of ours that were edited", default: false },
      "as-before": {
        type: "boolean",
        description: "Choose --local and --no-jail as the last installation did; for packages",
        default: false,
      },
    },
    async run({ args }) {
      if (runtime.self.length !== 1) {
        throw new Failure("usage", "Cannot install: this is the source, not the binary", {
          hint: "bun run build, then: dist/fail2ban-cloudflare install",
        });
      }
      const places = placesOf(runtime, args.root, args.fail2ban);
      const fail2ban = places.live ? await findFail2ban(runtime, places.fail2ban) : null;
      const version = fail2ban?.version ?? currentVersion;
      refuseDowngrade(runtime, places);
      const given = { version, jail: args.jail, local: args.local };
      const { jail, local } = args["as-before"]
        ? lookingAtFiles(() => asBefore(runtime, places, given))
        : given;
      const dump = (await fail2ban?.dump()) ?? null;
      const found = lookingAtFiles(() => findMove(runtime, places, dump, args));
      const move = (await isTaken(runtime, found, args, ask)) ? found : noMove;
      const options = { version, jail, local, force: args.force, move };
      const first = lookingAtFiles(() => planInstall(places, runtime.execPath, options));
      const last = planOtherBinary(places);
      const steps = [...first, ...last];
      tell(runtime, steps);
      if (args["dry-run"]) {
        show(runtime, steps);
        return 0;
      }
      const changes = steps.some(({ sign }) => sign !== "=");
      const before = fail2ban === null ? null : await lookBefore(runtime, fail2ban);
      const idle = await isIdle(fail2ban, before, jail);
      // A package has replaced its program already.
      if (changes || idle || places.packaged) {
        const machine = { fail2ban, before, jail, idle };
        await carryOut(runtime, { before: first, after: last }, activation(runtime, places, steps, machine));
      }
      show(runtime, steps);
      if (before?.running === false) runtime.talk("fail2ban is not running: the action is used once it is");
      runtime.talk(changes ? nextStep(places, steps, move) : "everything is in place");
      return 0;
    },
  });

interface Machine {
  readonly fail2ban: Fail2banClient | null;
  readonly before: Before | null;
  readonly jail: boolean;
  /** The server does not run the jail with the action yet. */
  readonly idle: boolean;
}

function activation(
  runtime: Runtime,
  places: Places,
  steps: readonly Step[],
  { fail2ban, before, jail, idle }: Machine,
): Activation {
  const units =
    places.live &&
    places.systemd &&
    (places.packaged || isChanged(steps, [places.binary, ...Object.values(places.units)]));
  const reload =
    idle || steps.some(({ sign, path }) => sign !== "=" && path.startsWith(`${places.fail2ban}/`));
  const unitsAreNew = steps.some(
    ({ sign, path }) => sign === "+" && path === places.units["fail2ban-cloudflare.path"],
  );
  let reloaded = false;
  return {
    async begin() {
      if (fail2ban === null || before === null) return;
      await refuseNewErrors(fail2ban, before);
      if (jail) checkJail(await fail2ban.dump(), places.fail2ban);
      // First: what fail2ban restores is to be delivered by the courier that stays.
      if (units) await enableUnits(runtime);
      if (!before.running || !reload) return;
      reloaded = true;
      await (jail ? reloadInto : reloadUsers)(runtime, fail2ban, before);
    },
    async undo() {
      if (units && unitsAreNew) await disableUnits(runtime);
    },
    async afterRollBack() {
      if (units) await reloadUnits(runtime);
      if (reloaded && fail2ban !== null && before !== null) await reloadOut(runtime, fail2ban, before);
    },
  };
}

/** The files stand, but the server runs the jail without the action, or not at all. */
async function isIdle(
  fail2ban: Fail2banClient | null,
  before: Before | null,
  jail: boolean,
): Promise<boolean> {
  if (fail2ban === null || before === null || !before.running || !jail) return false;
  return (await fail2ban.actionsOf(jailName))?.includes(actionName) !== true;
}

function isChanged(steps: readonly Step[], paths: readonly string[]): boolean {
  return steps.some(({ sign, path }) => sign !== "=" && paths.includes(path));
}

/** A dry run shows what a yes would do. */
async function isTaken(
  runtime: Runtime,
  found: Move,
  args: { readonly import?: boolean | undefined; readonly "dry-run": boolean },
  ask: Ask,
): Promise<boolean> {
  if (args.import !== undefined) return args.import;
  return args["dry-run"] || (await isWanted(runtime, found, ask));
}

function nextStep({ config }: Places, steps: readonly Step[], { imports, jails }: Move): string {
  if (imports.length > 0 && jails.length > 0)
    return "installed; next: fail2ban-cloudflare sync --adopt --dry-run, then the same without --dry-run";
  const isNew = imports.length === 0 && steps.some(({ sign, path }) => sign === "+" && path === config);
  return isNew
    ? `installed; next: name the credential and the zones in "${config}"`
    : "installed; see: fail2ban-cloudflare status";
}
