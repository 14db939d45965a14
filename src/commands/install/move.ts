import { existsSync } from "node:fs";
import { join } from "node:path";
import { loadConfig, statOf } from "../../config.ts";
import { readCredential } from "../../credential.ts";
import { Failure } from "../../errors.ts";
import { actionOptions } from "../../fail2ban/action-options.ts";
import type { Dump } from "../../fail2ban/dump.ts";
import { actionName, actionPath } from "../../fail2ban/files.ts";
import { standing } from "../../fail2ban/seal.ts";
import { filesWith, stockUses } from "../../fail2ban/stock.ts";
import type { Runtime } from "../../runtime.ts";
import { Secret } from "../../secret.ts";
import { importsOf } from "./imported.ts";
import type { Imported, OwnCredential } from "./imported.ts";
import type { Places } from "./places.ts";

/** What an installation takes over of fail2ban's own Cloudflare actions. */
export interface Move {
  /** For a configuration that is new. */
  readonly imports: readonly Imported[];
  /** What a configuration that is there already lacks. */
  readonly missing: readonly Imported[];
  /** Files with a credential that others can read. */
  readonly readable: readonly string[];
  /** Jails whose actions were fail2ban's own until now. */
  readonly jails: readonly string[];
  /** Whether ours goes in place of cloudflare-token too: its jails have their profiles then. */
  readonly token: boolean;
}

export const noMove: Move = { imports: [], missing: [], readable: [], jails: [], token: false };

/** What there is to take over; `dump` is what fail2ban makes of its configuration, null where it cannot be asked. */
export function findMove(
  runtime: Runtime,
  places: Places,
  dump: Dump | null,
  { local }: { readonly local: boolean },
): Move {
  const uses = dump === null ? [] : stockUses(dump);
  const own = ownCredential(places, local);
  const found = importsOf(uses, own);
  const isNew = !existsSync(places.config);
  const known = isNew ? new Set<string>() : secretsOf(runtime, places);
  const stock = uses.filter(({ by }) => by === "stock");
  return {
    imports: isNew ? found : [],
    missing: isNew ? [] : found.filter(({ secret }) => !known.has(secret.reveal())),
    readable: filesWith(places.fail2ban, own === null ? uses : [...uses, own]).filter(
      (path) => ((statOf(path)?.mode ?? 0) & 0o077) !== 0,
    ),
    jails: [...new Set(stock.map(({ jail }) => jail))],
    token: isNew && stock.some(({ action }) => action !== actionName),
  };
}

/** As the guides teach, in [Init] of the action file. */
function ownCredential({ fail2ban }: Places, local: boolean): OwnCredential | null {
  const { cfuser, cftoken, path } = actionOptions(fail2ban);
  if (cftoken === "") return null;
  const former = join(fail2ban, actionPath);
  const goes = !local && path === former && standing(former).kind === "foreign";
  return {
    email: cfuser === "" ? null : cfuser,
    secret: new Secret(cftoken),
    file: goes ? "goes" : "stays",
  };
}

/** The credentials of the configuration, as far as they can be read. */
function secretsOf(runtime: Runtime, { config: path }: Places): ReadonlySet<string> {
  try {
    const config = loadConfig(runtime, path);
    return new Set(
      [...config.profiles.values()].map((profile) => {
        const { credential } = readCredential(runtime, config, profile);
        return (credential.kind === "token" ? credential.token : credential.key).reveal();
      }),
    );
  } catch (error) {
    if (error instanceof Failure) return new Set();
    throw error;
  }
}
