import type { fleetSettings, mainSettings, Settings } from "./settings.ts";

/** What the settings are about, in the order of the documentation. */
export const settingGroups = {
  credential: "The credential: one of these",
  place: "Where to block",
  blocking: "What blocks, and whom",
  server: "This server",
} as const;

export interface Meaning {
  readonly group: keyof typeof settingGroups;
  /** One sentence without its period; names of settings and values stand in backticks. */
  readonly says: string;
  /** What holds where it is left out, in words. */
  readonly otherwise?: string;
  /** TOML: the value, or of a table its lines; a setting with a fallback is shown with that. */
  readonly example?: string;
}

type Meanings<S extends Settings> = {
  readonly [Key in keyof S]: Meaning &
    (S[Key] extends { readonly fallback: unknown } ? unknown : { readonly example: string });
};

/** Never loaded by a hook: for the documentation, the manual page and the configuration to begin with. */
export const meanings: Meanings<typeof mainSettings> = {
  api_token_file: {
    group: "credential",
    says: "File that holds the bare API token; nobody but its owner may read it (mode 0600)",
    example: '"/etc/fail2ban-cloudflare/token"',
  },
  api_token: {
    group: "credential",
    says: "The API token itself; nobody but its owner may read the configuration then",
    example: '"..."',
  },
  email: {
    group: "credential",
    says: "With a Global API Key: whose it is",
    example: '"you@example.com"',
  },
  api_key_file: {
    group: "credential",
    says: "File that holds the Global API Key, of mode 0600",
    example: '"/etc/fail2ban-cloudflare/key"',
  },
  api_key: { group: "credential", says: "The Global API Key itself", example: '"..."' },
  zones: {
    group: "place",
    says: "Zones to block in, by name or id; with a list: the zones whose rule acts on it, all of the account where none is named",
    example: '["example.com"]',
  },
  account: {
    group: "place",
    says: "Account to block in as a whole, in place of `zones`, or the account of the list; by name or id",
    example: '"Example Ltd"',
  },
  backend: {
    group: "blocking",
    says: "IP access rules, or the items of an account's IP list, on which one custom rule in each zone acts",
  },
  list: {
    group: "blocking",
    says: "Name of that list; it is made, with its rules, where it is missing",
  },
  capacity: {
    group: "blocking",
    says: "Items that all lists of the account may hold, as the plan has it; the newest bans are in, `status` counts those left out",
  },
  mode: { group: "blocking", says: "What is done to visitors from a banned address" },
  ipv6_prefix: {
    group: "blocking",
    says: "Length of the network that is blocked for one IPv6 address, from the next ban on; 64 is an attacker's whole network",
  },
  ignore: {
    group: "blocking",
    says: "Addresses and networks that are never blocked, beside Cloudflare's, private and this machine's own",
    example: '["192.0.2.0/24"]',
  },
  restart_grace: { group: "server", says: "Seconds that a block outlives a stop of fail2ban" },
  budget: {
    group: "server",
    says: "API calls of a credential in five minutes; Cloudflare allows 1,200 for everything that its user does",
  },
  host: {
    group: "server",
    says: "This server's name in our rules at Cloudflare; must differ between servers",
    otherwise: "the host's name",
    example: '"web1"',
  },
  journal: {
    group: "server",
    says: "What is wanted, and what is at the edge; a `postgres://` URL where several servers share one",
  },
  fleet: {
    group: "server",
    says: "With a journal on PostgreSQL: what its servers share, as docs/fleet.md explains",
    example: '[fleet]\nname = "web"',
  },
  log: { group: "server", says: "What the courier did" },
  fail2ban: { group: "server", says: "fail2ban's configuration directory" },
  api_base: { group: "server", says: "Cloudflare's API; plain http only to a loopback address" },
  profiles: {
    group: "server",
    says: "Another credential, other zones, for jails with the action `cloudflare[cfprofile=client-a]`",
    example: [
      "[profiles.client-a]",
      'api_token_file = "/etc/fail2ban-cloudflare/client-a"',
      'zones = ["example.net"]',
    ].join("\n"),
  },
  jails: {
    group: "server",
    says: "The profile of jails whose action names none",
    example: '[jails]\nshop = "client-a"',
  },
};

export const fleetMeanings: Meanings<typeof fleetSettings> = {
  name: {
    group: "server",
    says: "The same on all servers; stands in the marks of the rules, `Fail2Ban JAIL host:NAME`; no server may be called so",
    example: '"web"',
  },
  spool: { group: "server", says: "The server's own journal" },
  gone_after: {
    group: "server",
    says: "Seconds after which `status`, `doctor` and `metrics` report a server that was not seen",
  },
};
