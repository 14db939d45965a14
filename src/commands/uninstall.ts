import { defineCommand } from "citty";
import { existsSync } from "node:fs";
import { Failure } from "../errors.ts";
import { findFail2ban } from "../fail2ban/client.ts";
import type { Fail2banClient } from "../fail2ban/client.ts";
import type { Runtime } from "../runtime.ts";
import { carryOut, show, tell } from "./install/carry-out.ts";
import type { Activation } from "./install/carry-out.ts";
import { checkUnused, lookBefore, refuseNewErrors, reloadInto, reloadOut } from "./install/fail2ban.ts";
import { lookingAtFiles } from "./install/file-failure.ts";
import { defaultFail2ban, placesOf } from "./install/places.ts";
import type { Places } from "./install/places.ts";
import { isFail2bans, planRemoval, purgeFiles } from "./install/removal.ts";
import type { Step } from "./install/steps.ts";
import { disableUnits, enableUnits, reloadUnits } from "./install/systemd.ts";
import type { Invocation } from "./invocation.ts";

/** Removes our rules at Cloudflare, or fails. */
export type PurgeEdge = (invocation: Invocation) => Promise<void>;

const nothing = async (): Promise<void> => {};

const purgeWhenAsked: PurgeEdge = async (invocation) => (await import("./purge.ts")).purgeEdge(invocation);

export const uninstall = (invocation: Invocation, purgeEdge: PurgeEdge = purgeWhenAsked) =>
  defineCommand({
    meta: {
      name: "uninstall",
      description: "Remove what install has placed, and put back what was there",
      group: "setup",
      examples: ["uninstall --dry-run", "uninstall --purge"],
    },
    args: {
      "dry-run": { type: "boolean", description: "Only show what would be done", default: false },
      root: { type: "string", description: "Remove from under DIR, and run nothing", valueHint: "DIR" },
      fail2ban: {
        type: "string",
        description: "fail2ban's configuration directory",
        default: defaultFail2ban,
        valueHint: "DIR",
      },
      purge: {
        type: "boolean",
        description: "Also remove our rules at Cloudflare, the configuration and the journal",
        default: false,
      },
      force: { type: "boolean", description: "Also remove files of ours that were edited", default: false },
    },
    async run({ args }) {
      const { runtime } = invocation;
      const places = placesOf(runtime, args.root, args.fail2ban);
      const steps = lookingAtFiles(() => planRemoval(places, args));
      tell(runtime, steps);
      if (args["dry-run"]) {
        show(runtime, steps);
        return 0;
      }
      const purging = args.purge && places.live;
      if (purging) await purgeFirst(invocation, purgeEdge);
      const [before, after] = [
        steps.filter(isFail2bans(places)),
        steps.filter((step) => !isFail2bans(places)(step)),
      ];
      await carryOut(
        runtime,
        { before, after },
        await deactivation(runtime, places, purging ? () => purgeEdge(invocation) : nothing),
      );
      if (args.purge) await purgeFiles(runtime, places);
      show(runtime, steps);
      runtime.talk(conclusion(places, steps, args.purge));
      return 0;
    },
  });

/** At Cloudflare first: without the configuration and the journal nobody could do it later. */
async function purgeFirst(invocation: Invocation, purgeEdge: PurgeEdge): Promise<void> {
  try {
    await purgeEdge(invocation);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.kind, `${error.message}; nothing was removed`, {
      hint: error.hint ?? "uninstall without --purge leaves the rules at Cloudflare",
      cause: error,
    });
  }
}

/** `unused` is called when no ban comes any more and everything is still there. */
async function deactivation(
  runtime: Runtime,
  places: Places,
  unused: () => Promise<void>,
): Promise<Activation> {
  const fail2ban = places.live ? await fail2banIfThere(runtime, places) : null;
  const before = fail2ban === null ? null : await lookBefore(runtime, fail2ban);
  const units = places.live && places.systemd && existsSync(places.units["fail2ban-cloudflare.path"]);
  let [disabled, reloaded] = [false, false];
  return {
    async begin() {
      if (fail2ban !== null && before !== null) {
        await refuseNewErrors(fail2ban, before);
        checkUnused(await fail2ban.dump());
        reloaded = before.running;
        if (before.running) await reloadOut(runtime, fail2ban, before);
      }
      disabled = units;
      if (units) await disableUnits(runtime);
      await unused();
    },
    async undo() {},
    async afterRollBack() {
      if (disabled) await enableUnits(runtime);
      if (reloaded && fail2ban !== null && before?.hasJail === true)
        await reloadInto(runtime, fail2ban, before);
    },
    async finish() {
      if (units) await reloadUnits(runtime);
    },
  };
}

/** A machine from which fail2ban has gone can be cleaned too. */
async function fail2banIfThere(runtime: Runtime, { fail2ban }: Places): Promise<Fail2banClient | null> {
  try {
    return await findFail2ban(runtime, fail2ban);
  } catch (error) {
    if (error instanceof Failure && error.kind === "unavailable") return null;
    throw error;
  }
}

function conclusion({ configDirectory }: Places, steps: readonly Step[], purge: boolean): string {
  if (steps.every(({ sign }) => sign === "=")) return "nothing is left to remove";
  if (purge) return "removed";
  return `removed; "${configDirectory}", the journal and our rules at Cloudflare stay: uninstall --purge removes them`;
}
