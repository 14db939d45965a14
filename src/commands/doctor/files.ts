import { join, relative } from "node:path";
import { statOf } from "../../config.ts";
import { jailPath, localActionPath } from "../../fail2ban/files.ts";
import { standing } from "../../fail2ban/seal.ts";
import { lookingAtFiles } from "../install/file-failure.ts";
import { noMove } from "../install/move.ts";
import { placesOf } from "../install/places.ts";
import type { Places } from "../install/places.ts";
import { planInstall } from "../install/plan.ts";
import type { Step } from "../install/steps.ts";
import { bad, orWell, warn } from "./check.ts";
import type { Check, Finding } from "./check.ts";

/** Whether everything that an installation places is there, and as it was placed. */
export const files: Check = {
  name: "files",
  async run(host) {
    const { client } = await host.fail2ban();
    const { runtime, directory } = host;
    const places = placesOf(runtime, undefined, `/${relative(runtime.root, directory)}`);
    const steps = lookingAtFiles(() =>
      planInstall(places, runtime.self.length === 1 ? runtime.execPath : places.binary, {
        version: client.version,
        // The jail may be the administrator's own.
        jail: false,
        local: standing(join(directory, localActionPath)).kind === "ours",
        force: false,
        move: noMove,
      }),
    );
    const ours = steps.filter(({ path }) => path !== places.config);
    return orWell(
      [
        ...missing(ours, places),
        ...ours.filter(({ sign }) => sign === "~").map(({ path }) => another(path, places)),
        ...ours.filter(({ sign, path }) => sign === "=" && isEdited(path)).map(({ path }) => edited(path)),
        ...[join(directory, jailPath)].filter(isEdited).map(edited),
      ],
      "All installed files are there, and as they were installed",
    );
  },
};

const install = "fail2ban-cloudflare install";

function missing(
  steps: readonly Step[],
  { logrotate, configDirectory, journalDirectory }: Places,
): Finding[] {
  const absent = steps.filter(({ sign }) => sign === "+").map(({ path }) => path);
  if (absent.length === 0) return [];
  const needed = absent.some((path) => ![logrotate, configDirectory, journalDirectory].includes(path));
  const what = `Not there: ${absent.map((path) => `"${path}"`).join(", ")}`;
  return [(needed ? bad : warn)(what, "the installation is not complete", install)];
}

function another(path: string, { fail2ban }: Places): Finding {
  if (path.startsWith(`${fail2ban}/`) && standing(path).kind === "foreign") {
    return bad(`"${path}" is not ours`, "its bans do not go through the journal, and may be lost", install);
  }
  return warn(
    `"${path}" is not as this version installs it`,
    "it may be an older one's, or was changed",
    install,
  );
}

function edited(path: string): Finding {
  return warn(
    `"${path}" was edited since it was installed`,
    "an upgrade leaves it as it is",
    "move the change into a .local file or a drop-in, then: fail2ban-cloudflare install --force",
  );
}

function isEdited(path: string): boolean {
  if (statOf(path)?.isFile() !== true) return false;
  const found = standing(path);
  return found.kind === "ours" && found.edited;
}
