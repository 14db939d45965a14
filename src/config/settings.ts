import { modes } from "../core/hold.ts";

/** What a setting takes, and what holds where it is left out; `meanings.ts` says what it is for. */
export type Setting =
  | { readonly kind: "text"; readonly fallback?: string }
  | { readonly kind: "path"; readonly fallback?: string; readonly orUrl?: RegExp }
  | { readonly kind: "choice"; readonly choices: readonly string[]; readonly fallback: string }
  | { readonly kind: "texts" }
  | { readonly kind: "whole"; readonly least: number; readonly most: number; readonly fallback: number }
  | { readonly kind: "table" };

export type Settings = Readonly<Record<string, Setting>>;

/** Items over all lists of an account. Source: developers.cloudflare.com/waf/tools/lists, same for all plans but Enterprise. */
const plansCapacity = 10_000;
const enterpriseCapacity = 500_000;

/** What stands in a [profiles.NAME] table, and outside of them for the main profile. */
export const profileSettings = {
  api_token_file: { kind: "path" },
  api_token: { kind: "text" },
  email: { kind: "text" },
  api_key_file: { kind: "path" },
  api_key: { kind: "text" },
  zones: { kind: "texts" },
  account: { kind: "text" },
  backend: { kind: "choice", choices: ["access-rules", "list"], fallback: "access-rules" },
  list: { kind: "text", fallback: "fail2ban" },
  capacity: { kind: "whole", least: 1, most: enterpriseCapacity, fallback: plansCapacity },
  mode: { kind: "choice", choices: modes, fallback: "block" },
  ipv6_prefix: { kind: "whole", least: 32, most: 128, fallback: 128 },
} as const satisfies Settings;

const ownJournal = "/var/lib/fail2ban/cloudflare/journal.db";

/** What stands in [fleet]. */
export const fleetSettings = {
  name: { kind: "text" },
  spool: { kind: "path", fallback: ownJournal },
  gone_after: { kind: "whole", least: 60, most: 31_536_000, fallback: 86_400 },
} as const satisfies Settings;

/** What stands outside of every table but [fleet], [profiles.NAME] and [jails]. */
export const mainSettings = {
  ...profileSettings,
  ignore: { kind: "texts" },
  restart_grace: { kind: "whole", least: 0, most: 86_400, fallback: 120 },
  budget: { kind: "whole", least: 10, most: 1_200, fallback: 1_000 },
  host: { kind: "text" },
  journal: { kind: "path", fallback: ownJournal, orUrl: /^postgres(ql)?:/ },
  fleet: { kind: "table" },
  log: { kind: "path", fallback: "/var/log/fail2ban-cloudflare.log" },
  fail2ban: { kind: "path", fallback: "/etc/fail2ban" },
  api_base: { kind: "text", fallback: "https://api.cloudflare.com/client/v4" },
  profiles: { kind: "table" },
  jails: { kind: "table" },
} as const satisfies Settings;
