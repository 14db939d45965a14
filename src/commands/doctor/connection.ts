import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bad, ok, orWell, warn } from "./check.ts";
import type { Check } from "./check.ts";
import type { Host } from "./host.ts";

/** TLS, the ends of bans and the budget bear less than this without harm. */
const mostSkewMs = 60_000;

const proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] as const;

export const connection: Check = {
  name: "connection",
  async run(host) {
    await host.reached();
    const proxy = proxies.find((name) => host.runtime.env[name]);
    if (proxy === undefined || courierHasProxy(host)) return [ok(`${host.config().apiBase} answers`)];
    return [
      warn(
        `This shell reaches Cloudflare through ${proxy}`,
        "the courier does not have it",
        `systemctl edit fail2ban-cloudflare, and there: [Service] Environment=${proxy}=...`,
      ),
    ];
  },
};

function courierHasProxy({ runtime }: Host): boolean {
  return globSync(join(runtime.root, "/etc/systemd/system/fail2ban-cloudflare.service.d/*.conf")).some(
    (path) => /^\s*(Environment=.*_PROXY=|EnvironmentFile=)/im.test(readFileSync(path, "utf8")),
  );
}

export const clock: Check = {
  name: "clock",
  async run(host) {
    await host.reached();
    const skewMs = host.skewMs();
    if (skewMs === null) return [];
    const state = skewMs > 0 ? "ahead of" : "behind";
    const seconds = Math.round(Math.abs(skewMs) / 1_000);
    if (Math.abs(skewMs) <= mostSkewMs) return [ok("The clock agrees with Cloudflare's")];
    return [
      bad(
        `The clock is ${seconds} s ${state} Cloudflare's`,
        "bans end by it, calls are counted by it, and certificates are checked by it",
        "timedatectl set-ntp true",
      ),
    ];
  },
};

export const ranges: Check = {
  name: "ranges",
  async run(host) {
    const [current, known] = [await host.reached(), await host.ranges()];
    const findings = current
      .filter((range) => !known.includes(range))
      .map((range) =>
        warn(
          `Cloudflare has a range that is not known here: ${range}`,
          "nothing keeps fail2ban from banning Cloudflare itself there until a courier asks, once an hour",
          "fail2ban-cloudflare deliver",
        ),
      );
    return orWell(findings, "Cloudflare's own ranges are those that are known here");
  },
};
