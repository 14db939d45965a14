import type { Config, ProfileConfig } from "./config.ts";
import { accessRuleReach, listReach } from "./core/cover.ts";
import type { IntakeOptions } from "./core/intake.ts";
import type { Runtime } from "./runtime.ts";

/** What may be blocked for a profile, and how, by the configuration and this machine. */
export function intakeOptions(runtime: Runtime, config: Config, profile: ProfileConfig): IntakeOptions {
  return {
    guard: { own: runtime.interfaceAddresses(), ignore: config.ignore },
    ipv6Prefix: profile.ipv6Prefix,
    reach: profile.list === null ? accessRuleReach : listReach,
  };
}
