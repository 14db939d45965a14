import { loadConfig, profileOfJail } from "../../config.ts";
import type { Config, ProfileConfig } from "../../config.ts";
import { isMode, modes } from "../../core/hold.ts";
import type { Holder, Mode } from "../../core/hold.ts";
import { quoted } from "../../core/text.ts";
import { checkCredentialFiles } from "../../credential.ts";
import { Failure } from "../../errors.ts";
import type { Invocation } from "../invocation.ts";

interface HookArguments {
  readonly jail: string;
  readonly profile: string;
}

interface HookSetup {
  readonly config: Config;
  readonly profile: ProfileConfig;
  readonly holder: Holder;
}

/** Everything that can be wrong before the journal is touched. */
export function hookSetup(
  { runtime, configPath }: Invocation,
  { jail, profile: name }: HookArguments,
): HookSetup {
  if (!/^[^\u0000-\u001f\u007f]{1,200}$/.test(jail)) {
    throw new Failure("usage", `Cannot use --jail ${quoted(jail)}: not the name of a jail`, {
      hint: "fail2ban-client status lists them",
    });
  }
  const config = loadConfig(runtime, configPath);
  const profile = profileOfJail(config, jail, name);
  checkCredentialFiles(runtime, config, profile);
  return { config, profile, holder: { profile: profile.name, jail, host: config.host } };
}

/** The mode that a hook asks for; empty: that of its profile. */
export function modeOf(text: string, profile: ProfileConfig): Mode {
  if (text === "") return profile.mode;
  if (isMode(text)) return text;
  throw new Failure("usage", `Cannot use mode ${quoted(text)}: there is no such mode`, {
    hint: `one of: ${modes.join(", ")}`,
  });
}

/** Milliseconds since 1970 of the ban's end; null: never. */
export function endOf(bantime: string, now: number): number | null {
  const seconds = Number(bantime);
  if (!/^-?\d{1,12}(\.\d+)?$/.test(bantime) || (seconds < 0 && seconds !== -1)) {
    throw new Failure(
      "usage",
      `Cannot read --bantime ${quoted(bantime)}: not a number of seconds, nor -1 for ever`,
    );
  }
  return seconds === -1 ? null : Math.round(now + seconds * 1_000);
}
