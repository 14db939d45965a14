import { seal } from "../../fail2ban/seal.ts";

/** For nginx, in its http block; with the mark by which a later write knows it. */
export function nginxSnippet(ranges: readonly string[]): string {
  return sealed([
    "# The visitor's address in place of Cloudflare's. Belongs into nginx's http block, as a file in /etc/nginx/conf.d.",
    ...ranges.map((range) => `set_real_ip_from ${range};`),
    "real_ip_header CF-Connecting-IP;",
  ]);
}

/** For Apache's mod_remoteip. */
export function apacheSnippet(ranges: readonly string[]): string {
  return sealed([
    "# The visitor's address in place of Cloudflare's. Needs mod_remoteip (a2enmod remoteip), and %a for %h in LogFormat.",
    ...ranges.map((range) => `RemoteIPTrustedProxy ${range}`),
    "RemoteIPHeader CF-Connecting-IP",
  ]);
}

/** The first line gives way to the seal. */
function sealed(lines: readonly string[]): string {
  return seal(["", ...lines, ""].join("\n"), null);
}
