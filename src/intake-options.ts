import type { Config, ProfileConfig } from "./config.ts";
import { accessRuleReach, listReach } from "./core/cover.ts";
import { cloudflareRanges } from "./core/guard.ts";
import type { IntakeOptions } from "./core/intake.ts";
import type { Runtime } from "./runtime.ts";

/** What may be blocked for a profile, and how, by the configuration, this machine and Cloudflare's own ranges. */
export function intakeOptions(
  runtime: Runtime,
  config: Config,
  profile: ProfileConfig,
  cloudflare: readonly string[] = cloudflareRanges,
): IntakeOptions {
  return {
    guard: { own: runtime.interfaceAddresses(), ignore: config.ignore, cloudflare },
    ipv6Prefix: profile.ipv6Prefix,
    reach: profile.list === null ? accessRuleReach : listReach,
  };
}
