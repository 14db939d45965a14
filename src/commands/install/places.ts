import { existsSync } from "node:fs";
import { join } from "node:path";
import { defaultConfigPath } from "../../config.ts";
import { unitNames } from "../../fail2ban/files.ts";
import type { Runtime } from "../../runtime.ts";

/** Where everything goes, as paths that can be opened. */
export interface Places {
  readonly root: string;
  /** False with --root: no program of this machine is asked or told anything. */
  readonly live: boolean;
  readonly fail2ban: string;
  /** fail2ban's directory as the configuration names it. */
  readonly fail2banName: string;
  readonly binary: string;
  readonly configDirectory: string;
  readonly config: string;
  readonly journalDirectory: string;
  readonly units: Readonly<Record<(typeof unitNames)[number], string>>;
  readonly cron: string;
  readonly logrotate: string;
  readonly systemd: boolean;
}

export const defaultFail2ban = "/etc/fail2ban";

export function placesOf(runtime: Runtime, root: string | undefined, fail2ban: string): Places {
  const live = root === undefined;
  const base = live ? runtime.root : join(runtime.root, root);
  const under = (path: string): string => join(base, path);
  const unit = (name: string): string => under(`/etc/systemd/system/${name}`);
  return {
    root: base,
    live,
    fail2ban: under(fail2ban),
    fail2banName: fail2ban,
    binary: under("/usr/local/bin/fail2ban-cloudflare"),
    configDirectory: under("/etc/fail2ban-cloudflare"),
    config: under(defaultConfigPath),
    journalDirectory: under("/var/lib/fail2ban/cloudflare"),
    units: {
      "fail2ban-cloudflare.path": unit("fail2ban-cloudflare.path"),
      "fail2ban-cloudflare.service": unit("fail2ban-cloudflare.service"),
      "fail2ban-cloudflare.timer": unit("fail2ban-cloudflare.timer"),
    },
    cron: under("/etc/cron.d/fail2ban-cloudflare"),
    logrotate: under("/etc/logrotate.d/fail2ban-cloudflare"),
    systemd: systemdSigns(live).some((path) => existsSync(under(path))),
  };
}

/** systemd runs, or, in a tree that is being prepared, will run. */
function systemdSigns(live: boolean): readonly string[] {
  return live
    ? ["/run/systemd/system"]
    : ["/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
}
