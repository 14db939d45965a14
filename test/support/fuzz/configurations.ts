import fc from "fast-check";

/** Stands in configurations, and must stand in nothing that is written or said. */
export const secret = "PLANTED-secret-0123456789abcdef";

const keys =
  "api_token api_token_file email api_key api_key_file zones account backend list capacity mode ipv6_prefix ignore restart_grace budget host journal fleet log api_base fail2ban profiles";
const key = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...keys.split(" ")) },
  fc.constantFrom(
    "apitoken",
    "__proto__",
    "constructor",
    '""',
    '"\\u0000"',
    "profiles.x.zones",
    "zones.a",
    "ключ",
  ),
);
const value = fc.oneof(
  fc.constantFrom(
    ..."1 0 -1 1e400 nan inf 0x10 9007199254740993 true false [] {} [[]] [1] [true] 1979-05-27 07:32:00".split(
      " ",
    ),
    ...'"" " " "/" "/etc" "/etc/fail2ban-cloudflare/config.toml" "/dev/null/x" "a/b" "x\\ny" [""] ["a","a"] \'\''.split(
      " ",
    ),
    ...'["203.0.113.0/24"] ["0.0.0.0/0"] "block" "whitelist" "access-rules" "list" {a=1} {a={b={c=[{}]}}} """ \'\'\' " #'.split(
      " ",
    ),
    `"${"a/".repeat(3_000)}"`,
    `"${"\\u0007".repeat(200)}"`,
    '"http://127.0.0.1:1"',
    '"https://[::1"',
    '"http://user:pw@localhost:1/"',
    '"postgres://user:pw@127.0.0.1:1/db"',
    '{name="web"}',
  ),
  fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => JSON.stringify(text)),
  fc.integer().map(String),
);
const setting = fc.tuple(key, value).map(([name, text]) => `${name} = ${text}`);

const text = fc.oneof(
  fc.string({ minLength: 1, unit: "grapheme", maxLength: 20 }),
  fc.string({ minLength: 1, unit: "binary", maxLength: 20 }).filter((some) => some.isWellFormed()),
  fc.nat(3_000).map((times) => "a".repeat(times)),
);
/** Below the root whatever it is: no part of it is "..". */
const path = fc.oneof(
  text.filter((some) => !some.includes("..")).map((some) => `/${some}`),
  // Below a file, a directory, a name too long.
  fc.constantFrom(
    "/etc/fail2ban-cloudflare/config.toml/x",
    "/etc/fail2ban-cloudflare",
    `/${"a".repeat(300)}`,
    "/a\0",
    "/",
  ),
);
/** Settings of the right type, of any content. */
const wellTyped = fc
  .record(
    {
      host: text,
      journal: path,
      log: path,
      fail2ban: path,
      zones: fc.array(text, { maxLength: 3 }),
      account: text,
      backend: fc.constantFrom("access-rules", "list"),
      mode: fc.constantFrom("block", "challenge"),
      ipv6_prefix: fc.integer({ min: 32, max: 128 }),
      ignore: fc.array(fc.constantFrom("192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"), { maxLength: 2 }),
      restart_grace: fc.nat(86_400),
      budget: fc.integer({ min: 10, max: 1_200 }),
    },
    { requiredKeys: [] },
  )
  .map((settings) =>
    Object.entries(settings)
      .map(([name, content]) => `${name} = ${JSON.stringify(content).replaceAll("\u007f", "\\u007f")}`)
      .join("\n"),
  );
const secretLine = fc.constantFrom(
  ...Array.from({ length: 20 }, () => `api_token = "${secret}"`),
  `api_token = ${secret}`,
  `api_token "${secret}"`,
  `api_token = "${secret}`,
  `api_tokne = "${secret}"`,
  `api_token = ["${secret}"]`,
  `api_token = { a = "${secret}" }`,
  `api_token = "${secret}\\n${secret}"`,
  `api_token = " ${secret} x"`,
  `email = "a@example.com"\napi_key = "${secret}"`,
  `api_key = "${secret}"`,
  `journal = "postgres://u:${secret}@127.0.0.1:1/x"\nfleet = { name = "f" }`,
  `journal = "postgres://u:${secret}@127.0.0.1:1/x?sslmod=y"\nfleet = { name = "f" }`,
  `journal = "postgres://u:${secret}@"`,
  `[profiles.x]\napi_token = "${secret}"`,
  'api_token_file = "/\\u0000"',
  'api_token_file = "/etc"',
  'api_token_file = "relative"',
  'api_token_file = "/etc/fail2ban-cloudflare/config.toml"',
  'email = "a\\nb"\napi_key_file = "/etc/fail2ban-cloudflare/config.toml/x"',
);
const word = fc.oneof(
  key,
  value,
  fc.constantFrom(
    "=",
    "\n",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ",",
    ".",
    "[profiles.x]",
    '[profiles."a b"]',
    "#",
    '"',
  ),
);

/** A sound configuration, some of whose words are deleted, doubled or replaced. */
const mutated = (url: string) => {
  const sound = [
    ["zones", "=", '["example.com"]', "\n", "mode", "=", '"block"', "\n", "ipv6_prefix", "=", "64", "\n"],
    ["ignore", "=", '["192.0.2.0/24"]', "\n", "restart_grace", "=", "120", "\n", "budget", "=", "100", "\n"],
    ["host", "=", '"web1"', "\n", "api_base", "=", JSON.stringify(url), "\n", "[profiles.client-a]", "\n"],
    ["account", "=", '"a"', "\n"],
  ].flat();
  const mutation = fc.tuple(fc.nat(sound.length - 1), fc.constantFrom("delete", "double", "replace"), word);
  return fc.array(mutation, { maxLength: 4 }).map((mutations) =>
    mutations
      .reduce<string[]>((words, [at, kind, other]) => {
        const here = words[at] ?? "";
        return words.with(at, kind === "delete" ? "" : kind === "double" ? `${here} ${here}` : other);
      }, sound)
      .join(" "),
  );
};

/** Settings that once ended in a stack trace. */
export const onceCrashed = [
  'journal = "/\\u0000"',
  'journal = "/etc/fail2ban-cloudflare/config.toml/x"',
  `journal = "/${"a".repeat(300)}"`,
  'api_token_file = "/etc/fail2ban-cloudflare/config.toml/x"',
  'api_token_file = "/\\u0000"',
];

/** A configuration file of a machine that is to call the API at `url`: sound, nearly, or anything. */
export function configuration(url: string): fc.Arbitrary<string | Uint8Array> {
  const base = `api_base = ${JSON.stringify(url)}`;
  return fc.oneof(
    { weight: 4, arbitrary: fc.tuple(secretLine, mutated(url)).map((parts) => parts.join("\n")) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(secretLine, fc.array(setting, { maxLength: 3 }))
        .map(([planted, settings]) => [base, ...settings, planted].join("\n")),
    },
    {
      weight: 6,
      arbitrary: fc.tuple(secretLine, wellTyped).map(([planted, rest]) => [base, rest, planted].join("\n")),
    },
    fc
      .tuple(
        fc.constantFrom("zones = ", "profiles = ", ""),
        fc.constantFrom("[", "{a=", "[[", "a."),
        fc.nat(20_000),
      )
      .map(([start, deep, times]) => start + deep.repeat(times)),
    fc.uint8Array({ maxLength: 200 }),
  );
}
