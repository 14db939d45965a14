import { join } from "node:path";
import { actionPath, jailPath, localActionPath } from "../../fail2ban/files.ts";
import { standing } from "../../fail2ban/seal.ts";
import type { Fail2banVersion } from "../../fail2ban/version.ts";
import type { Runtime } from "../../runtime.ts";
import type { Places } from "./places.ts";
import { jailObstacle } from "./plan-jail.ts";

/** What a person chooses at an installation. */
export interface Choices {
  readonly jail: boolean;
  readonly local: boolean;
}

/**
 * What the last installation chose, or, where none stands, what is given; the jail only where it does not keep fail2ban
 * from starting, which is said. For packages, which must not undo a choice, nor fail for a missing nginx.
 */
export function asBefore(
  runtime: Runtime,
  places: Places,
  { version, jail, local }: Choices & { readonly version: Fail2banVersion },
): Choices {
  const [isLocal, isPlain, hasJail] = [localActionPath, actionPath, jailPath].map(
    (path) => standing(join(places.fail2ban, path)).kind === "ours",
  );
  const stands = isLocal === true || isPlain === true;
  const chosen = stands ? { jail: hasJail === true, local: isLocal === true } : { jail, local };
  const obstacle = chosen.jail ? jailObstacle(places, version) : null;
  if (obstacle === null) return chosen;
  const command = `fail2ban-cloudflare install${chosen.local ? " --local" : ""}`;
  runtime.talk(`${obstacle.message}; it is left out until: ${command}`);
  return { ...chosen, jail: false };
}
