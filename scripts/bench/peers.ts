import { readFileSync } from "node:fs";
import type { Fail2ban } from "../../test/support/fail2ban.ts";
import { fail2banServer } from "../../test/support/fail2ban.ts";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import type { Installation } from "./installation.ts";

/** What a jail runs for a ban. */
export interface Peer {
  readonly name: string;
  /** Writes the action's file and returns the jail's line that names it. */
  prepare(fail2ban: Fail2ban): string;
}

/** The floor: nothing is done, but fail2ban does all of its own. */
export const nothing = running("`/bin/true`", "nothing", "/bin/true");

/** A command that does the same whatever is banned. */
export function running(name: string, action: string, command: string): Peer {
  return {
    name,
    prepare(fail2ban) {
      const text = `[Definition]\nactionban = ${command}\nactionunban = ${command}\nactionflush = ${command} '<family>'\n`;
      fail2ban.write(`action.d/${action}.conf`, text);
      return action;
    },
  };
}

/** fail2ban's own action for the Global API Key: curl and jq, the user's rules. */
export function stockKey({ url, email, apiKey }: FakeCloudflare): Peer {
  return {
    name: "stock `cloudflare.conf`",
    prepare(fail2ban) {
      fail2ban.write("action.d/stock-key.conf", packaged("cloudflare.conf", url));
      return `stock-key[cfuser="${email}", cftoken="${apiKey}"]`;
    },
  };
}

/** fail2ban's own action for an API token: curl and awk, a zone's rules. */
export function stockToken({ url, token, zone }: FakeCloudflare): Peer {
  return {
    name: "stock `cloudflare-token.conf`",
    prepare(fail2ban) {
      fail2ban.write("action.d/stock-token.conf", packaged("cloudflare-token.conf", url));
      return `stock-token[cfzone="${zone.id}", cftoken="${token}"]`;
    },
  };
}

export function ours({ binary, configPath, action }: Installation): Peer {
  return {
    name: "fail2ban-cloudflare",
    prepare(fail2ban) {
      fail2ban.write("action.d/ours.conf", action);
      return `ours[cfbin="${binary}", cfconf="${configPath}"]`;
    },
  };
}

/** A running server with one jail for each peer; a jail is called as its place in the list, as "jail0". */
export async function serverWith(...peers: readonly Peer[]): Promise<Fail2ban> {
  const fail2ban = await fail2banServer();
  peers.forEach((peer, index) => {
    const action = peer.prepare(fail2ban);
    fail2ban.write(`log${index}`, "");
    fail2ban.write(
      `jail.d/jail${index}.conf`,
      `[jail${index}]
enabled = true
backend = polling
filter = nginx-limit-req
logpath = ${fail2ban.directory}/log${index}
bantime = 86400
action = ${action}
`,
    );
  });
  await fail2ban.start();
  return fail2ban;
}

/** As the package has it, but for the API's address. */
function packaged(name: string, url: string): string {
  const text = readFileSync(`/etc/fail2ban/action.d/${name}`, "utf8");
  const changed = text.replaceAll("https://api.cloudflare.com/client/v4", url);
  if (changed === text) throw new Error(`${name} does not call https://api.cloudflare.com/client/v4`);
  return changed;
}
