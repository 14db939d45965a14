/** Where the configuration is unless somebody says otherwise. */
export const defaultConfigPath = "/etc/fail2ban-cloudflare/config.toml";

/** A path of the machine, below the directory that stands for its "/". */
export function under(root: string, path: string): string {
  return root === "/" ? path : `${root}${path}`;
}
