import { existsSync } from "node:fs";
import { join } from "node:path";
import { defaultConfigPath } from "../../paths.ts";
import { programPath, unitNames } from "../../fail2ban/files.ts";
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
  /** The binary's path as the files that call it name it. */
  readonly program: string;
  /** The binary is a distribution's package's, which alone replaces and removes it. */
  readonly packaged: boolean;
  readonly configDirectory: string;
  readonly config: string;
  readonly journalDirectory: string;
  readonly units: Readonly<Record<(typeof unitNames)[number], string>>;
  readonly cron: string;
  readonly logrotate: string;
  readonly systemd: boolean;
}

export const defaultFail2ban = "/etc/fail2ban";

/** Where a package has the program: /usr/local is not for packages. */
const packagedPath = "/usr/bin/fail2ban-cloudflare";

export function placesOf(runtime: Runtime, root: string | undefined, fail2ban: string): Places {
  const live = root === undefined;
  const base = live ? runtime.root : join(runtime.root, root);
  const under = (path: string): string => join(base, path);
  const packaged = live && runtime.execPath === under(packagedPath);
  const program = packaged ? packagedPath : programPath;
  const unit = (name: string): string => under(`/etc/systemd/system/${name}`);
  return {
    root: base,
    live,
    fail2ban: under(fail2ban),
    fail2banName: fail2ban,
    binary: under(program),
    program,
    packaged,
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
