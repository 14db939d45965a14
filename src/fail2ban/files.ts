import action from "./action.d/cloudflare.conf" with { type: "text" };
import noCredential from "./action.d/cloudflare.d/no-credential.local" with { type: "text" };
import jail from "./jail.d/nginx-limit-req.conf" with { type: "text" };
import configuration from "./system/config.toml" with { type: "text" };
import cron from "./system/cron.conf" with { type: "text" };
import pathUnit from "./system/fail2ban-cloudflare.path" with { type: "text" };
import serviceUnit from "./system/fail2ban-cloudflare.service" with { type: "text" };
import timerUnit from "./system/fail2ban-cloudflare.timer" with { type: "text" };
import logrotate from "./system/logrotate.conf" with { type: "text" };
import { isAtLeast } from "./version.ts";
import type { Fail2banVersion } from "./version.ts";

export const jailName = "nginx-limit-req";
export const actionName = "cloudflare";

/** fail2ban's other action for Cloudflare; ours stands in its place where a jail may use it, so that its bans go on. */
export const tokenActionName = "cloudflare-token";

/** Text that stands in every command of our action, and in none of another's. */
export const programName = "fail2ban-cloudflare";

/** Where the files here say that the program is. */
export const programPath = "/usr/local/bin/fail2ban-cloudflare";

export const unitNames = [
  "fail2ban-cloudflare.path",
  "fail2ban-cloudflare.service",
  "fail2ban-cloudflare.timer",
] as const;

export const unitFiles = {
  "fail2ban-cloudflare.path": pathUnit,
  "fail2ban-cloudflare.service": serviceUnit,
  "fail2ban-cloudflare.timer": timerUnit,
} as const satisfies Record<(typeof unitNames)[number], string>;

export const cronFile: string = cron;
export const logrotateFile: string = logrotate;
/** Keeps cfuser and cftoken of the action from fail2ban itself. */
export const noCredentialFile: string = noCredential;
export const actionPath = "action.d/cloudflare.conf";
export const localActionPath = "action.d/cloudflare.local";
export const noCredentialPath = "action.d/cloudflare.d/no-credential.local";
export const tokenActionPath = "action.d/cloudflare-token.conf";
export const localTokenActionPath = "action.d/cloudflare-token.local";
export const jailPath = "jail.d/nginx-limit-req.conf";

/** action.d/cloudflare.conf without what a fail2ban of this version does not know. */
export function actionFile(version: Fail2banVersion): string {
  let text: string = action;
  if (!isAtLeast(version, [0, 11])) text = withStaticBantime(without(text, "actionprolong"));
  // An unknown tag stays as it is, and the shell would read a redirection in it.
  if (!isAtLeast(version, [0, 10]))
    text = without(text, "actionflush").replace(/ --restored "<restored>"/, "");
  return text;
}

/** action.d/cloudflare.local: complete, so that nothing of the package's cloudflare.conf but its credential counts. */
export function localActionFile(version: Fail2banVersion): string {
  const text = actionFile(version).replace(/^(?=cf(user|token) =)/gm, "#");
  // The package's [Init?family=inet6] would put the start off to the first ban.
  return isAtLeast(version, [0, 10])
    ? text.replace(/^\[Definition\]\n/m, "$&\nactionstart_on_demand = false\n")
    : text;
}

/** An action file that stands in place of cloudflare-token's: no credential is read from there. */
export function asTokenAction(text: string): string {
  return text
    .replace(
      /^# No credential passes[^]*?\n#\n/m,
      "# No credential passes through a command, or is needed here.\n#\n",
    )
    .replace(/^# Option: {2}cfuser, cftoken\n(#.*\n)+(#?cf(user|token) =\n)+\n/m, "");
}

/** jail.d/nginx-limit-req.conf; without iptables, the local action is the one that fail2ban is set up for. */
export function jailFile(version: Fail2banVersion, { iptables }: { readonly iptables: boolean }): string {
  let text: string = jail;
  if (!iptables) text = text.replace(/iptables-multiport\[.*\]/, "%(action_)s");
  if (!isAtLeast(version, [0, 11]))
    text = text.replace(/^( +)cloudflare$/m, '$1cloudflare[bantime="%(bantime)s"]');
  return text;
}

/** The files that the jail's logpath names. */
export const jailLogs: string = /^logpath\s*=\s*(\S+)$/m.exec(jail)?.[1] ?? "";

/** The configuration to begin with: nothing of it is active, but for the settings and tables given. */
export function configurationFile(settings: readonly string[], tables: readonly string[]): string {
  // A function: "$" in a replacement text would have a meaning.
  const first = settings.length === 0 ? "\n\n" : `\n\n${settings.join("\n")}\n\n`;
  return [(configuration as string).replace("\n\n", () => first), ...tables.map((line) => `${line}\n`)].join(
    "",
  );
}

/** Before 0.11 a ticket has no ban time: it is the jail's, passed on as a parameter. */
function withStaticBantime(text: string): string {
  const init =
    '# Option:  bantime\n# Notes.:  The jail\'s, as in cloudflare[bantime="%(bantime)s"]; -1: until the unban.\nbantime = -1\n\n';
  return text.replace('"<bantime>"', "'<bantime>'").replace(/^\[Init\]\n\n/m, `$&${init}`);
}

/** An option of [Definition] taken out, with the comment above it. */
function without(text: string, option: string): string {
  return text.replace(new RegExp(`(^#.*\\n)*^${option} = .*\\n\\n`, "m"), "");
}
