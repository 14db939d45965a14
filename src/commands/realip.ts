import { defineCommand } from "citty";
import { cloudflareRanges } from "../core/guard.ts";
import type { Invocation } from "./invocation.ts";

export const realip = ({ runtime }: Invocation) =>
  defineCommand({
    meta: {
      name: "realip",
      description: "nginx configuration that restores the visitor's address behind Cloudflare",
    },
    args: {},
    run() {
      runtime.print(
        [
          "# Into the http block, as /etc/nginx/conf.d/cloudflare-realip.conf; then: nginx -t && nginx -s reload",
          ...cloudflareRanges.map((range) => `set_real_ip_from ${range};`),
          "real_ip_header CF-Connecting-IP;",
        ].join("\n"),
      );
      return 0;
    },
  });
