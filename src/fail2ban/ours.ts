import type { Dump, DumpedJail } from "./dump.ts";
import { programName } from "./files.ts";

/** A jail whose configuration names our action, and what it passes to it; "" where it leaves the choice to us. */
export interface JailOfOurs {
  readonly jail: string;
  readonly profile: string;
  readonly mode: string;
}

/** The jails that call our program for their bans, once for each action that does. */
export function jailsOfOurs({ jails }: Dump): readonly JailOfOurs[] {
  return [...jails].flatMap(([jail, dumped]) =>
    dumped.actions
      .filter((action) => callsUs(dumped, action))
      .map((action) => {
        const options = dumped.options(action);
        return { jail, profile: options.get("cfprofile") ?? "", mode: options.get("cfmode") ?? "" };
      }),
  );
}

export function callsUs(jail: DumpedJail, action: string): boolean {
  return jail.commands(action).some((command) => command.includes(programName));
}
