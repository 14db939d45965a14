import pkg from "../../../package.json" with { type: "json" };
import { settingGroups } from "../../config/meanings.ts";
import { settingTexts } from "../../config/setting-texts.ts";
import type { SettingText } from "../../config/setting-texts.ts";
import { flag, groups, synopsis } from "../../manual.ts";
import type { ArgumentText, CommandText } from "../../manual.ts";

/** What each exit code says. */
export const exitStatus = [
  ["0", "done, or safely recorded"],
  ["1", "a bug: please report the stack trace"],
  ["2", "usage: bad address, option or argument"],
  ["3", "configuration or credential"],
  ["4", "rejected by Cloudflare"],
  ["5", "Cloudflare unavailable (where it was waited for), or not recorded"],
] as const;

const environment = [
  ["FAIL2BAN_CLOUDFLARE_CONFIG", "The configuration file, where --config names none."],
  [
    "CREDENTIALS_DIRECTORY",
    "Where systemd puts a cloudflare-token, which comes before any other credential.",
  ],
  ["CLOUDFLARE_API_TOKEN", "The token, where the configuration has no credential."],
  ["CLOUDFLARE_EMAIL, CLOUDFLARE_API_KEY", "The same for a Global API Key."],
  [
    "HTTPS_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS",
    "A proxy to go through, and certificates to believe beside the usual ones.",
  ],
] as const;

const files = [
  ["/etc/fail2ban-cloudflare/config.toml", "The configuration; every key is optional."],
  ["/etc/fail2ban/action.d/cloudflare.conf", "What fail2ban calls."],
  ["/var/lib/fail2ban/cloudflare/journal.db", "What is held, and what is known at the edge."],
  ["/var/log/fail2ban-cloudflare.log", "What the courier did."],
] as const;

/** The manual page, for man(1). */
export function manualPage(commands: readonly CommandText[]): string {
  return [
    `.TH ${escaped(pkg.name.toUpperCase())} 8 "" "${escaped(`${pkg.name} ${pkg.version}`)}"`,
    ".SH NAME",
    escaped(`${pkg.name} - block what fail2ban bans at Cloudflare's edge`),
    ".SH SYNOPSIS",
    `.B ${escaped(pkg.name)}`,
    escaped("[--config FILE] COMMAND [OPTIONS]"),
    ".SH DESCRIPTION",
    ...paragraphs,
    ".SH COMMANDS",
    ...Object.entries(groups).flatMap(([group, title]) => [
      `.SS ${title}`,
      ...commands.filter((command) => command.group === group).flatMap(section),
    ]),
    ".SH CONFIGURATION",
    ".PP",
    escaped(
      "Every setting is optional, and an unknown one is refused. Those marked * may also stand in [profiles.NAME].",
    ),
    ...Object.entries(settingGroups).flatMap(([group, title]) => [
      `.SS ${escaped(title)}`,
      ...settingTexts().flatMap((text) => (text.group === group ? setting(text) : [])),
    ]),
    ".SH EXIT STATUS",
    ...exitStatus.flatMap(definition),
    ".SH ENVIRONMENT",
    ...environment.flatMap(definition),
    ".SH FILES",
    ...files.flatMap(definition),
    ".SH SEE ALSO",
    `.BR ${escaped("fail2ban-client")} (1),`,
    ".BR jail.conf (5)",
    "",
  ].join("\n");
}

const paragraphs = [
  "fail2ban calls this program when a jail bans an address, and when the ban ends. What is wanted is recorded in a journal at once, without touching the network; a courier then delivers it to Cloudflare, retries until it is done, and keeps to a budget of API calls.",
  "An address stays blocked as long as one jail holds it. Rules that do not carry our mark are never changed or deleted.",
].flatMap((text) => [".PP", escaped(text)]);

function section(command: CommandText): readonly string[] {
  const { description, words, options, examples } = command;
  return [
    ".TP",
    `.B ${escaped(synopsis(command))}`,
    escaped(`${description}.`),
    ".RS",
    ...[...words, ...options].flatMap(argument),
    ...(examples.length === 0 ? [] : [".PP", ".EX", ...examples.flatMap(example), ".EE"]),
    ".RE",
  ];
}

function argument(text: ArgumentText): readonly string[] {
  return definition([flag(text), `${text.description}.`]);
}

function setting({ key, inProfiles, type, fallback, says }: SettingText): readonly string[] {
  const otherwise = fallback === "" ? type : `${type}; default: ${fallback}`;
  return [
    ".TP",
    `.BR ${escaped(key)} "${inProfiles ? "*" : ""} (${escaped(otherwise).replaceAll('"', "\\(dq")})"`,
    escaped(`${says.replaceAll("`", "")}.`),
  ];
}

function example(line: string): readonly string[] {
  return `${pkg.name} ${line}`.split("\n").map(escaped);
}

function definition([term, text]: readonly [string, string]): readonly string[] {
  return [".TP", `.B ${escaped(term)}`, escaped(text)];
}

/** Text in which nothing is a request, an escape or a typographic sign. */
function escaped(text: string): string {
  const plain = text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("~", "\\(ti")
    .replaceAll("^", "\\(ha")
    .replaceAll("`", "\\(ga");
  return plain.startsWith(".") ? `\\&${plain}` : plain;
}
