import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, cpSync, rmSync, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { actionFile } from "../../src/fail2ban/files.ts";
import { seal } from "../../src/fail2ban/seal.ts";
import { openSqlite } from "../../src/journal/sqlite.ts";
import type { Permission } from "../support/cloudflare/credentials.ts";
import type { FakeOptions } from "../support/fake-cloudflare.ts";
import { namedWith } from "../support/needing.ts";
import { hasPrograms, jail, patient } from "../support/patient.ts";
import type { Patient } from "../support/patient.ts";

setDefaultTimeout(60_000);

const config = "etc/fail2ban-cloudflare/config.toml";
const token = "etc/fail2ban-cloudflare/token";
const action = "etc/fail2ban/action.d/cloudflare";
const binary = "usr/local/bin/fail2ban-cloudflare";
const unit = "fail2ban-cloudflare.timer";

/** Each fault: what is planted, and what doctor says beside what is well: no more, no less. */
interface Fault {
  readonly name: string;
  plant(host: Patient): unknown;
  /** What Cloudflare has. */
  readonly world?: FakeOptions;
  /** A part of "check: what is found" of each. */
  readonly found: readonly string[];
  /** A part of what mends the first. */
  readonly mend: string;
  /** What is only worth a look does not change the exit code. */
  readonly warning?: true;
}

/** Lines of jail.local. */
const jailLocal = (host: Patient, ...lines: readonly string[]): void =>
  host.write("etc/fail2ban/jail.local", `[${jail}]\n${lines.join("\n")}\n`);

const both = 'action = iptables-multiport[name="%(__name__)s", port="%(port)s", protocol="tcp"]';

const unreachable = (code: string) => (host: Patient) => {
  host.outside = { fetch: () => Promise.reject(Object.assign(new TypeError("no"), { code })) };
};

const grant = (host: Patient, permissions: readonly Permission[], more: object = {}): void =>
  host.write(token, host.edge.grant("test-token-limited", { permissions, ...more }), 0o600);

/** Does something at another time. */
async function earlier(host: Patient, ms: number, work: () => Promise<unknown>): Promise<void> {
  host.outside = { now: () => Date.now() - ms };
  await work();
  host.outside = {};
}

const faults: readonly Fault[] = [
  // The configuration and the credential.
  {
    name: "a configuration that is not there",
    plant(host) {
      rmSync(host.at(config));
      unreachable("ENOTFOUND")(host);
    },
    found: [`configuration: There is no "/${config}"`, "credential: Cannot find", "connection: Cannot reach"],
    mend: "fail2ban-cloudflare login",
  },
  {
    name: "a configuration that is no TOML",
    plant: (host) => host.write(config, "zones = [\n", 0o600),
    found: [`configuration: Cannot read configuration "/${config}": it is not valid TOML`],
    mend: "quotes",
  },
  {
    name: "a key that does not exist",
    plant: (host) => host.configure({ zone: '"example.com"' }),
    found: ["configuration: Cannot use zone of"],
    mend: "did you mean zones?",
  },
  {
    name: "a configuration that others can change",
    plant: (host) => chmodSync(host.at(config), 0o666),
    found: [`configuration: Cannot trust configuration "/${config}": others can change it`],
    mend: "chmod 600",
  },
  {
    name: "a configuration in a directory that others can change",
    plant: (host) => chmodSync(dirname(host.at(config)), 0o777),
    found: [
      `configuration: Others can put another file in place of "/${config}"`,
      `files: "/${dirname(config)}" is not as this version installs it`,
    ],
    mend: "chmod 700",
  },
  {
    name: "a configuration that belongs to somebody else",
    plant: (host) => chownSync(host.at(config), 1_234, 1_234),
    found: [`configuration: Others can change "/${config}"`],
    mend: "chown root",
  },
  {
    name: "a configuration that others can read",
    plant: (host) => chmodSync(host.at(config), 0o644),
    found: [`configuration: Others can read "/${config}"`],
    mend: "chmod 600",
    warning: true,
  },
  {
    name: "a host's name that is every host's",
    plant: (host) => host.configure({ host: '"localhost"' }),
    found: ['configuration: This server calls itself "localhost"'],
    mend: "host =",
    warning: true,
  },
  {
    name: "a token file that is not there",
    plant: (host) => rmSync(host.at(token)),
    found: [`credential: Cannot read credential "/${token}": ENOENT`],
    mend: "ls -l",
  },
  {
    name: "a token file that others can read",
    plant: (host) => chmodSync(host.at(token), 0o640),
    found: [`credential: Cannot use credential "/${token}": others can read it`],
    mend: "chmod 600",
  },
  {
    name: "a token file that belongs to somebody else",
    plant: (host) => chownSync(host.at(token), 1_234, 1_234),
    found: [`credential: Others can change the API token in "/${token}"`],
    mend: "chown root",
  },
  {
    name: "a token file with more than a token",
    plant: (host) => host.write(token, "# my token\nabc\n", 0o600),
    found: [`credential: Cannot use the credential in "/${token}"`],
    mend: "bare token",
  },
  {
    name: "a token that only this shell has",
    plant(host) {
      host.configure({ api_token_file: null });
      host.outside = { env: { CLOUDFLARE_API_TOKEN: host.edge.token } };
    },
    found: ["credential: The API token comes from CLOUDFLARE_API_TOKEN of this shell"],
    mend: "fail2ban-cloudflare login",
    warning: true,
  },
  {
    name: "a credential in the action's file, for all to read",
    plant(host) {
      host.configure({ api_token_file: null });
      host.write(`${action}.local`, `[Init]\ncftoken = ${host.edge.token}\n`);
    },
    found: [`credential: Others can read the API token in "/${action}.local"`],
    mend: "chmod 600",
  },
  // The way to Cloudflare.
  {
    name: "a name server that does not know Cloudflare",
    plant: unreachable("ENOTFOUND"),
    found: ["connection: Cannot reach 127.0.0.1: its name is not resolved (ENOTFOUND)"],
    mend: "getent hosts",
  },
  {
    name: "a firewall that lets nothing out",
    plant: unreachable("ECONNREFUSED"),
    found: ["connection: Cannot reach 127.0.0.1: no connection comes about (ECONNREFUSED)"],
    mend: "allow outgoing port",
  },
  {
    name: "somebody in the way who opens TLS",
    plant: unreachable("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    found: ["connection: Cannot reach 127.0.0.1: its certificate is not trusted"],
    mend: "NODE_EXTRA_CA_CERTS",
  },
  {
    name: "a proxy that refuses",
    plant: unreachable("ERR_PROXY_TUNNEL"),
    found: ["connection: Cannot reach 127.0.0.1: the proxy does not pass it on"],
    mend: "HTTPS_PROXY",
  },
  {
    name: "a page in place of the API",
    plant: (host) => host.edge.fail({ kind: "html", status: 200 }, { times: Infinity }),
    found: ["connection: Cannot use Cloudflare's ranges from"],
    mend: "curl -i",
  },
  {
    name: "a proxy that the courier does not have",
    plant: (host) => void (host.outside = { env: { HTTPS_PROXY: "http://192.0.2.1:3128" } }),
    found: ["connection: This shell reaches Cloudflare through HTTPS_PROXY"],
    mend: "systemctl edit",
    warning: true,
  },
  {
    name: "a clock that is ten minutes ahead",
    plant: (host) => void (host.outside = { now: () => Date.now() + 600_000 }),
    found: ["s ahead of Cloudflare's"],
    mend: "timedatectl",
  },
  {
    name: "a clock that is ten minutes behind",
    plant: (host) => void (host.outside = { now: () => Date.now() - 600_000 }),
    found: ["s behind Cloudflare's"],
    mend: "timedatectl",
  },
  {
    name: "a range of Cloudflare's that is new",
    plant: ({ edge }) =>
      void (edge.ranges = { ...edge.ranges, ipv4: [...edge.ranges.ipv4, "203.0.113.0/24"] }),
    found: ["ranges: Cloudflare has a range that is not known here: 203.0.113.0/24"],
    mend: "deliver",
    warning: true,
  },
  // What the credential may do.
  {
    name: "a token that was rolled",
    plant: ({ edge }) => edge.revoke(edge.token),
    found: ["token: Cannot use the token: Cloudflare does not know it"],
    mend: "log in again",
  },
  {
    name: "a token that was switched off",
    plant: ({ edge }) => edge.grant(edge.token, { permissions: "all", status: "disabled" }),
    found: ["token: Cannot use the token: it is disabled"],
    mend: "renew it",
  },
  {
    name: "a token that ends soon",
    plant: (host) =>
      grant(host, ["Zone Read", "Firewall Services Write"], {
        expires_on: new Date(Date.now() + 3 * 86_400_000).toISOString(),
      }),
    found: ["token: The API token ends on 20"],
    mend: "renew it",
    warning: true,
  },
  {
    name: "a token that may only read the rules",
    plant: (host) => grant(host, ["Zone Read", "Firewall Services Read"]),
    found: [
      "permissions: The credential lacks Zone → Firewall Services → Edit for zone example.com, and may only read",
    ],
    mend: "deliver --once",
  },
  {
    name: "a token without a right to the rules",
    plant: (host) => grant(host, ["Zone Read"]),
    found: ["permissions: The credential lacks Zone → Firewall Services → Edit for zone example.com"],
    mend: "deliver --once",
  },
  {
    name: "a zone that the token does not see",
    plant: (host) => host.configure({ zones: '["example.com", "example.net"]' }),
    found: ['permissions: Cannot find zone "example.net"'],
    mend: "Zone:Read",
  },
  {
    name: "a zone that does not go through Cloudflare yet",
    world: { zones: [{ name: "example.com", status: "pending" }] },
    plant() {},
    found: ["permissions: Cloudflare calls zone example.com pending"],
    mend: "finish its set-up",
    warning: true,
  },
  {
    name: "the user's own rules with a token",
    plant: (host) => host.configure({ zones: null }),
    found: [
      "permissions: The credential lacks Account → Account Firewall Access Rules → Edit for the user's own rules",
    ],
    mend: "name zones",
  },
  {
    name: "a profile whose token is wrong",
    plant(host) {
      host.write("etc/fail2ban-cloudflare/other", "test-token-wrong\n", 0o600);
      const other =
        '[profiles.other]\napi_token_file = "/etc/fail2ban-cloudflare/other"\nzones = ["example.com"]\n';
      host.configure({}, other);
    },
    found: ["token: Cannot use the token: Cloudflare does not know it"],
    mend: "log in again",
  },
  {
    name: "a budget that is spent",
    async plant(host) {
      await host.ban("203.0.113.7");
      host.configure({ budget: "10" });
      await host.doctor();
    },
    found: ["budget: 1", "edge: The edge was not compared"],
    mend: "status",
    warning: true,
  },
  {
    name: "an allowance that somebody else spends",
    plant: ({ edge }) => void (edge.limit = { calls: 50, windowMs: 300_000 }),
    found: ["budget: Cloudflare leaves 4"],
    mend: "an account's own",
  },
  // fail2ban and what is installed.
  {
    name: "a host without fail2ban",
    plant: (host) => rmSync(host.at("usr/bin/fail2ban-client")),
    found: ["fail2ban: Cannot find fail2ban"],
    mend: "apt-get install fail2ban",
  },
  {
    name: "another jail whose log is not there",
    plant: (host) =>
      host.write("etc/fail2ban/jail.d/sshd.conf", "[sshd]\nenabled = true\nlogpath = /nonexistent\n"),
    found: [
      "fail2ban: fail2ban finds a fault in its configuration: Have not found any log file for sshd jail",
    ],
    mend: "backend = systemd",
  },
  {
    name: "an old fail2ban",
    plant: (host) => void (host.version = "Fail2Ban v0.9.7"),
    found: ["fail2ban: fail2ban 0.9 is old", `files: "/${action}.conf" is not as this version installs it`],
    mend: "upgrade it",
    warning: true,
  },
  {
    name: "a fail2ban without a database",
    plant: (host) => host.write("etc/fail2ban/fail2ban.local", "[Definition]\ndbfile = None\n"),
    found: ["fail2ban: fail2ban keeps no database"],
    mend: "dbfile",
    warning: true,
  },
  {
    name: "a program that is gone",
    plant: (host) => rmSync(host.at(binary)),
    found: [
      `files: Not there: "/${binary}"`,
      `action: Jail "${jail}" calls "/${binary}", which is not there`,
    ],
    mend: "install",
  },
  {
    name: "a program that cannot be run",
    plant: (host) => chmodSync(host.at(binary), 0o644),
    found: [
      `files: "/${binary}" is not as this version installs it`,
      `action: Jail "${jail}" calls "/${binary}", which cannot be run`,
    ],
    mend: "install",
  },
  {
    name: "the package's action, come back with an upgrade",
    plant: (host) => cpSync("/etc/fail2ban/action.d/cloudflare.conf", host.at(`${action}.conf`)),
    found: [`files: "/${action}.conf" is not ours`, "action: No jail calls fail2ban-cloudflare"],
    mend: "install",
  },
  {
    name: "an action that was edited",
    plant: (host) => host.write(`${action}.conf`, `${host.read(`${action}.conf`)}# mine\n`),
    found: [`files: "/${action}.conf" was edited since it was installed`],
    mend: "install --force",
    warning: true,
  },
  {
    name: "a jail that was edited",
    plant: (host) =>
      host.write(
        `etc/fail2ban/jail.d/${jail}.conf`,
        `${host.read(`etc/fail2ban/jail.d/${jail}.conf`)}# mine\n`,
      ),
    found: [`files: "/etc/fail2ban/jail.d/${jail}.conf" was edited since it was installed`],
    mend: "install --force",
    warning: true,
  },
  {
    name: "an action of an older version",
    plant: (host) =>
      host.write(`${action}.conf`, seal(actionFile([1, 1]).replace("timeout = 30", "timeout = 60"), null)),
    found: [`files: "/${action}.conf" is not as this version installs it`],
    mend: "install",
    warning: true,
  },
  {
    name: "a cron entry that is gone",
    plant: (host) => rmSync(host.at("etc/cron.d/fail2ban-cloudflare")),
    found: ['files: Not there: "/etc/cron.d/fail2ban-cloudflare"'],
    mend: "install",
  },
  {
    name: "a directory that others may look into",
    plant: (host) => chmodSync(host.at("etc/fail2ban-cloudflare"), 0o755),
    found: ['files: "/etc/fail2ban-cloudflare" is not as this version installs it'],
    mend: "install",
    warning: true,
  },
  // How the jails call us.
  {
    name: "a .local that makes the action ours only in part",
    plant: (host) => host.write(`${action}.local`, "[Definition]\nactionunban = curl\n"),
    found: [`action: Action "cloudflare" of jail "${jail}" is ours only in part: actionunban is another's`],
    mend: "action.d/cloudflare.local",
  },
  {
    name: "jails that use another configuration",
    plant: (host) => jailLocal(host, both, "  cloudflare[cfconf=/etc/other.toml]"),
    found: [`action: Jail "${jail}" uses the configuration "/etc/other.toml"`],
    mend: "--config /etc/other.toml doctor",
  },
  {
    name: "a profile that is not there",
    plant: (host) => jailLocal(host, both, "  cloudflare[cfprofile=client-a]"),
    found: [`action: Jail "${jail}" uses profile "client-a"`],
    mend: "login --profile client-a",
  },
  {
    name: "a mode that does not exist",
    plant: (host) => jailLocal(host, both, "  cloudflare[cfmode=drop]"),
    found: [`action: Jail "${jail}" uses mode "drop", which is none`],
    mend: "managed_challenge",
  },
  {
    name: "norestored, with which unbans are lost",
    plant: (host) => jailLocal(host, both, "  cloudflare[norestored=1]"),
    found: [`action: Action "cloudflare" of jail "${jail}" has norestored`],
    mend: "take norestored out",
  },
  // What fail2ban makes of the jail.
  {
    name: "actions in place of action",
    plant: (host) => jailLocal(host, "actions = cloudflare"),
    found: ['jail files: "/etc/fail2ban/jail.local" says "actions" in line 2'],
    mend: 'write "action"',
  },
  {
    name: "a second action at the beginning of its line",
    plant: (host) => jailLocal(host, both, 'cloudflare[cfmode="block"]'),
    found: [
      "action: No jail calls fail2ban-cloudflare",
      'jail files: "/etc/fail2ban/jail.local" has action "cloudflare" in line 3 without a space before it',
      `jail: Jail "${jail}" does not have action "cloudflare"`,
    ],
    mend: "install",
  },
  {
    name: "a jail that is switched off",
    plant: (host) => jailLocal(host, "enabled = false"),
    found: ["action: No jail calls fail2ban-cloudflare", `jail: fail2ban leaves jail "${jail}" out`],
    mend: "install",
  },
  {
    name: "a jail.local whose action wins",
    plant: (host) => jailLocal(host, both),
    found: [
      "action: No jail calls fail2ban-cloudflare",
      `jail: Jail "${jail}" does not have action "cloudflare"`,
    ],
    mend: "install",
  },
  {
    name: "the same action twice",
    plant: (host) => jailLocal(host, both, "  cloudflare", "  cloudflare"),
    found: [`jail: Jail "${jail}" has action "cloudflare" twice`],
    mend: 'see action in "/etc/fail2ban/jail.local"',
  },
  {
    name: "a jail without an action on this machine",
    plant: (host) => jailLocal(host, "action = cloudflare"),
    found: [`jail: Jail "${jail}" has no action on this machine`],
    mend: "reload --restart",
    warning: true,
  },
  {
    name: "an iptables-multiport that blocks ssh",
    plant: (host) => jailLocal(host, "action = iptables-multiport", "  cloudflare"),
    found: [`jail: Action "iptables-multiport" of jail "${jail}" blocks port ssh`],
    mend: 'port="%(port)s"',
  },
  {
    name: "a backend that reads no file",
    plant: (host) => jailLocal(host, "backend = systemd"),
    found: [`jail: Jail "${jail}" reads the systemd journal`],
    mend: 'see backend in "/etc/fail2ban/jail.local"',
  },
  {
    name: "a logpath that matches no file",
    plant(host) {
      rmSync(host.at("var/log/nginx/error.log"));
      // It makes the log that it is to write.
      rmSync(host.at("usr/sbin/nginx"));
    },
    found: [
      `fail2ban: fail2ban finds a fault in its configuration: Have not found any log file for ${jail} jail`,
      `jail: No file matches the logpath of jail "${jail}"`,
    ],
    mend: "log",
  },
  {
    name: "a fail2ban that does not run",
    plant: (host) => void (host.running = null),
    found: ["live jails: fail2ban is not running"],
    mend: "systemctl start fail2ban",
  },
  {
    name: "a jail that the server has not got",
    plant: (host) => host.running?.delete(jail),
    found: [`live jails: fail2ban does not run jail "${jail}"`],
    mend: "fail2ban-client reload",
  },
  {
    name: "an action that a reload has dropped",
    plant: (host) => host.running?.set(jail, ["iptables-multiport"]),
    found: [`live jails: Jail "${jail}" runs without action "cloudflare"`],
    mend: `reload --restart ${jail}`,
  },
  // nginx.
  {
    name: "a configuration that nginx refuses",
    plant: (host) => host.serve((text) => text.replace("events { }", "event { }")),
    found: ['unknown directive "event"'],
    mend: "nginx -t",
  },
  {
    name: "an nginx that does not restore the visitor's address",
    plant: (host) => host.serve((text) => text.replace(/set_real_ip_from .*;/g, "")),
    found: ["set_real_ip_from lacks 173.245.48.0/20"],
    mend: "fail2ban-cloudflare realip --write",
  },
  {
    name: "an nginx that lacks one of Cloudflare's ranges",
    plant: (host) => host.serve((text) => text.replace("set_real_ip_from 172.64.0.0/13;", "")),
    found: ["set_real_ip_from lacks 172.64.0.0/13"],
    mend: "fail2ban-cloudflare realip",
  },
  {
    name: "an nginx that believes everybody",
    plant: (host) =>
      host.serve((text) => text.replace("real_ip_header", "set_real_ip_from 0.0.0.0/0;\nreal_ip_header")),
    found: ["set_real_ip_from 0.0.0.0/0 has every visitor name the address that it likes"],
    mend: "fail2ban-cloudflare realip",
  },
  {
    name: "an nginx that looks into the wrong header",
    plant: (host) => host.serve((text) => text.replace("real_ip_header CF-Connecting-IP;", "")),
    found: ["real_ip_header is X-Real-IP, not CF-Connecting-IP"],
    mend: "fail2ban-cloudflare realip --write",
  },
  {
    name: "an nginx without limits",
    plant: (host) => host.serve((text) => text.replace(/limit_req zone=.*;/, "")),
    found: ["nginx: nginx limits no requests"],
    mend: "limit_req_zone",
  },
  {
    name: "an nginx that only tries its limits",
    plant: (host) => host.serve((text) => text.replace("access_log off;", "limit_req_dry_run on;")),
    found: ["nginx: nginx only tries its limits"],
    mend: "limit_req_dry_run off",
    warning: true,
  },
  {
    name: "an nginx that does not write its limits down",
    plant: (host) => host.serve((text) => text.replace("error.log error;", "error.log crit;")),
    found: ["nginx log: nginx writes only what is crit or worse"],
    mend: "error.log error;",
  },
  {
    name: "an nginx that writes where the jail does not look",
    plant: (host) => host.serve((text) => text.replace("nginx/error.log", "elsewhere.log")),
    found: [`nginx log: Jail "${jail}" does not watch "/var/log/elsewhere.log"`],
    mend: "logpath = /var/log/elsewhere.log",
  },
  // Where a credential must not stand.
  {
    name: "a token in a jail",
    plant: (host) => jailLocal(host, both, "  cloudflare[cftoken=test-token-of-old]"),
    found: ['leaks: "/etc/fail2ban/jail.local" holds a credential in line 3: cftoken'],
    mend: "login",
  },
  {
    name: "a stock action with its token on the command line",
    plant: (host) =>
      host.write(
        "etc/fail2ban/jail.d/web.conf",
        `[web]\nenabled = true\nfilter = sshd\nlogpath = ${host.at("var/log/nginx/error.log")}\naction = cloudflare-token[cfzone=x, cftoken="test-token-of-old"]\n`,
      ),
    found: [
      'leaks: "/etc/fail2ban/jail.d/web.conf" holds a credential in line 5: cftoken',
      'leaks: Action "cloudflare-token" of jail "web" puts a credential on its command line',
    ],
    mend: "login",
  },
  {
    name: "a token in fail2ban's log",
    plant: (host) =>
      host.write("var/log/fail2ban.log", "ERROR exec: curl -H 'X-Auth-Key: 0123456789abcdef'\n"),
    found: ['leaks: A credential stands in "/var/log/fail2ban.log"'],
    mend: "roll it",
  },
  {
    name: "our token in an old log",
    plant: (host) => host.write("var/log/fail2ban.log.1", `returned ${host.edge.token}\n`),
    found: ['leaks: A credential stands in "/var/log/fail2ban.log.1"'],
    mend: "roll it",
  },
  {
    name: "a token on a command line",
    plant: (host) => host.write("proc/77/cmdline", `curl\0-H\0Authorization: Bearer ${host.edge.token}\0`),
    found: ["leaks: The credential stands on the command line of process 77"],
    mend: "ps -p 77",
  },
  // Who delivers.
  {
    name: "a host without a cron daemon",
    plant: (host) => host.write("proc/1/comm", "sh\n"),
    found: ["courier: No cron daemon runs"],
    mend: "start cron",
    warning: true,
  },
  {
    name: "a timer that does not run",
    async plant(host) {
      await host.useSystemd();
      host.denied.add(`is-active ${unit}`);
    },
    found: [`courier: ${unit} does not run`],
    mend: "systemctl enable --now",
  },
  {
    name: "a timer that is not enabled",
    async plant(host) {
      await host.useSystemd();
      host.denied.add(`is-enabled ${unit}`);
    },
    found: [`courier: ${unit} is not enabled`],
    mend: "systemctl enable --now",
  },
  {
    name: "a courier that failed",
    async plant(host) {
      await host.useSystemd();
      host.denied.delete("is-failed fail2ban-cloudflare.service");
    },
    found: ["courier: The last courier failed"],
    mend: "journalctl -u fail2ban-cloudflare",
  },
  {
    name: "a unit that is gone",
    async plant(host) {
      await host.useSystemd();
      rmSync(host.at(`etc/systemd/system/${unit}`));
    },
    found: [`files: Not there: "/etc/systemd/system/${unit}"`],
    mend: "install",
  },
  {
    name: "a wake file that nobody answers",
    plant(host) {
      host.write("var/lib/fail2ban/cloudflare/wake", "");
      utimesSync(host.at("var/lib/fail2ban/cloudflare/wake"), 0, Date.now() / 1_000 - 300);
    },
    found: ["courier: No courier has answered to the last ban"],
    mend: "systemctl enable --now",
  },
  // The journal, and what it should agree with.
  {
    name: "a broken journal",
    plant: (host) =>
      host.write("var/lib/fail2ban/cloudflare/journal.db", "not a database, not at all\n".repeat(99), 0o600),
    found: ["journal: Cannot use journal"],
    mend: "df ",
  },
  {
    name: "a credential that was rejected",
    async plant(host) {
      host.edge.revoke(host.edge.token);
      await host.ban("203.0.113.7");
      host.edge.grant(host.edge.token, { permissions: "all" });
    },
    found: ["journal: Delivery is stopped since"],
    mend: "deliver --once",
  },
  {
    name: "bans that wait for long",
    async plant(host) {
      await earlier(host, 600_000, () => host.run("ban", "203.0.113.7", "--jail", jail));
    },
    found: ["journal: 1 addresses wait, the oldest since"],
    mend: "deliver --once",
  },
  {
    name: "an address that Cloudflare refuses",
    async plant(host) {
      const when = ({ method }: { method: string }) => method === "POST";
      host.edge.fail(
        { kind: "status", status: 400, message: "firewallaccessrules.api.validation_error:no" },
        { when },
      );
      await host.ban("203.0.113.7");
    },
    found: ["journal: Cloudflare refuses 1 addresses"],
    mend: "fail2ban-cloudflare list",
    warning: true,
  },
  {
    name: "a courier that has not looked for hours",
    async plant(host) {
      using journal = openSqlite(host.at("var/lib/fail2ban/cloudflare/journal.db"));
      await journal.setFact("synced_at", String(Date.now() - 3 * 3_600_000));
    },
    found: ["journal: No courier has compared the edge since"],
    mend: "timer or cron",
  },
  {
    name: "a ban that no hook has recorded",
    plant: (host) => host.banUnheard("203.0.113.7"),
    found: ["bans: fail2ban bans 203.0.113.7, and the journal does not have that"],
    mend: "fail2ban-cloudflare sync",
  },
  {
    name: "a ban of Cloudflare itself",
    plant: (host) => host.banUnheard("172.71.4.5"),
    found: [`bans: fail2ban bans 172.71.4.5 in jail "${jail}"`],
    mend: "fail2ban-cloudflare realip",
  },
  {
    name: "a rule that somebody has deleted",
    async plant(host) {
      await host.ban("203.0.113.7");
      for (const { id } of host.edge.rules()) host.edge.remove(id);
    },
    found: ["edge: 203.0.113.7 are gone from zone example.com"],
    mend: "fail2ban-cloudflare sync",
  },
  {
    name: "a rule of ours that the journal does not know",
    async plant(host) {
      await host.ban("203.0.113.7");
      host.edge.plant(host.edge.zone.scope, { value: "203.0.113.8", notes: `Fail2Ban ${jail} host:web1` });
    },
    found: ["edge: 203.0.113.8 are ours and forgotten at zone example.com"],
    mend: "fail2ban-cloudflare sync",
  },
  {
    name: "a rule that somebody has changed",
    async plant(host) {
      await host.ban("203.0.113.7");
      const notes = host.edge.rules()[0]?.notes ?? "";
      for (const { id } of host.edge.rules()) host.edge.remove(id);
      host.edge.plant(host.edge.zone.scope, { value: "203.0.113.7", mode: "challenge", notes });
    },
    found: ["edge: 203.0.113.7 were changed by somebody at zone example.com"],
    mend: "fail2ban-cloudflare sync",
  },
  {
    name: "a rule that lets a banned address in",
    async plant(host) {
      host.edge.plant(host.edge.zone.scope, { value: "203.0.113.7", mode: "whitelist" });
      await host.ban("203.0.113.7");
    },
    found: ["edge: 203.0.113.7 have a rule at zone example.com that lets them in"],
    mend: "dashboard",
    warning: true,
  },
];

const obstacle = hasPrograms ? null : "needs fail2ban and nginx: use scripts/test.sh";

describe.skipIf(obstacle !== null)(namedWith(obstacle, "doctor"), () => {
  test("finds nothing on a healthy host, on which a ban is held", async () => {
    await using host = await patient();
    await host.ban("203.0.113.7", "2001:db8::7");
    const before = JSON.stringify(host.edge.rules());
    const { code, faults, findings } = await host.doctor();
    expect({ code, faults }).toEqual({ code: 0, faults: [] });
    expect(new Set(findings.map(({ check }) => check)).size).toBe(21);
    expect(JSON.stringify(host.edge.rules())).toBe(before);
    expect(host.edge.violations).toEqual([]);
  });

  test("finds nothing where systemd runs the courier, and nothing where two profiles share a token", async () => {
    await using host = await patient({ zones: [{ name: "example.com" }, { name: "example.net" }] });
    await host.useSystemd();
    host.configure({}, '[profiles.other]\nzones = ["example.net"]\n');
    const { code, faults, findings } = await host.doctor();
    expect({ code, faults }).toEqual({ code: 0, faults: [] });
    const about = (check: string) =>
      findings.filter((finding) => finding.check === check).map(({ what }) => what);
    expect(about("token")).toEqual(["The API token is active"]);
    expect(about("permissions")).toEqual([
      "zone example.com: Zone → Firewall Services → Edit",
      "zone example.net: Zone → Firewall Services → Edit",
    ]);
  });

  test("finds nothing where an account's own token may do no more than it needs", async () => {
    await using host = await patient();
    host.configure({ zones: JSON.stringify([host.edge.zone.id]) });
    grant(host, ["Firewall Services Write"], { account: host.edge.account.id });
    await host.ban("203.0.113.7");
    const { code, faults } = await host.doctor();
    expect({ code, faults }).toEqual({ code: 0, faults: [] });
  });

  const listHost = (host: Patient, permissions: readonly Permission[]): void => {
    host.configure({ zones: null, backend: '"list"', account: JSON.stringify(host.edge.account.id) });
    grant(host, permissions);
  };
  const listRights: readonly Permission[] = ["Zone Read", "Account Filter Lists Write", "Zone WAF Write"];

  test("finds nothing where a list blocks, and makes none", async () => {
    await using host = await patient();
    listHost(host, listRights);
    await host.doctor();
    expect(host.edge.calls.filter(({ method }) => !["GET", "DELETE"].includes(method))).toEqual([]);
    await host.ban("203.0.113.7");
    expect(host.edge.blocked()).toEqual(["203.0.113.7"]);
    const { code, faults, findings } = await host.doctor();
    expect({ code, faults }).toEqual({ code: 0, faults: [] });
    expect(findings.filter(({ check }) => check === "permissions").map(({ what }) => what)).toEqual([
      `account ${host.edge.account.id}: Account → Account Filter Lists → Edit`,
      "zone example.com: Zone → Zone WAF → Edit",
    ]);
    expect(host.edge.blocked()).toEqual(["203.0.113.7"]);
    expect(host.edge.violations).toEqual([]);
  });

  test.each<[Permission[], string]>([
    [["Zone Read", "Account Filter Lists Read", "Zone WAF Write"], "Account → Account Filter Lists → Edit"],
    [["Zone Read", "Account Filter Lists Write", "Zone WAF Read"], "Zone → Zone WAF → Edit"],
  ])("finds that with %j a list lacks %s", async (rights, lacking) => {
    await using host = await patient();
    listHost(host, rights);
    const { code, faults } = await host.doctor();
    expect(code).toBe(3);
    expect(faults.map(({ what }) => what)).toEqual([
      expect.stringMatching(new RegExp(`^The credential lacks ${lacking} for .*, and may only read$`)),
    ]);
  });

  test.each(faults)("finds $name", async ({ world, plant, found, mend, warning }) => {
    await using host = await patient(world);
    await plant(host);
    const { code, faults, stdout } = await host.doctor();
    expect(faults.map(({ check, what }) => `${check}: ${what}`)).toEqual(
      found.map((part) => expect.stringContaining(part)),
    );
    expect(faults[0]?.mend).toContain(mend);
    expect(code).toBe(warning ? 0 : 3);
    expect(stdout).not.toContain(host.edge.token);
  });

  test("books its calls on the budget of the credential", async () => {
    await using host = await patient();
    await host.ban("203.0.113.7");
    const before = host.edge.calls.length;
    await host.doctor();
    const made = host.edge.calls.slice(before).filter(({ path }) => path !== "/ips").length;
    const { budget } = JSON.parse((await host.run("status", "--json")).stdout) as {
      budget: { used: number };
    };
    expect(budget.used).toBeGreaterThanOrEqual(made);
    expect(made).toBeGreaterThan(5);
  });

  test("shows no secret that a program quotes", async () => {
    await using host = await patient();
    host.write("etc/fail2ban/jail.d/web.conf", `[web]\nenabled = true\nfilter = ${host.edge.token}\n`);
    const { code, stdout } = await host.doctor();
    expect(code).toBe(3);
    expect(stdout).toContain("[redacted]");
    expect(stdout).not.toContain(host.edge.token);
  });

  test("says each fault in a line, and how to mend it in the next", async () => {
    await using host = await patient();
    chmodSync(host.at(config), 0o644);
    host.running = null;
    const { stdout } = await host.run("doctor");
    const lines = stdout.replaceAll(host.path, "").split("\n");
    expect(lines.slice(0, 3)).toEqual([
      `! configuration  Others can read "/${config}": a token that is written there is everybody's`,
      `                 → chmod 600 /${config}`,
      `✓ credential     API token in "/${token}"`,
    ]);
    const at = lines.findIndex((line) => line.startsWith("✗"));
    expect(lines.slice(at, at + 2)).toEqual([
      "✗ live jails     fail2ban is not running: nobody is banned",
      "                 → systemctl start fail2ban; journalctl -u fail2ban",
    ]);
    expect(lines).toHaveLength(22);
  });
});
