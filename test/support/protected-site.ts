import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath } from "./binary.ts";
import { binarySite, lines } from "./binary-site.ts";
import type { BinarySite, BinarySiteOptions } from "./binary-site.ts";
import { fail2banServer } from "./fail2ban.ts";
import type { Fail2ban, Fail2banOptions } from "./fail2ban.ts";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import { network, server } from "./network.ts";
import type { Network } from "./network.ts";
import { nginx } from "./nginx.ts";
import type { Nginx } from "./nginx.ts";
import { runProgram, systemPath } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import type { TempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

export const jail = "nginx-limit-req";

/** Addresses that nginx believes: the edge that visitors come through. */
export const edgeAddresses = { ipv4: "203.0.113.241", ipv6: "2001:db8:cf::1" } as const;

export interface ProtectedSiteOptions
  extends Pick<BinarySiteOptions, "config">, Pick<Fail2banOptions, "loglevel" | "env" | "cwd"> {
  /** Lines of jail.d/nginx-limit-req.local. */
  readonly jail?: Readonly<Record<string, string>>;
}

/** A site behind the fake Cloudflare: nginx, fail2ban with what install.sh wrote, and clients on a wire. */
export interface ProtectedSite extends BinarySite {
  readonly net: Network;
  readonly web: Nginx;
  /** Not yet started. */
  readonly fail2ban: Fail2ban;
  /** Requests of a visitor that the edge passes on. */
  visit(count: number, visitor: string): Promise<(number | "refused")[]>;
  /** Waits until these addresses, and no others, are blocked here and at the edge. */
  blockedEverywhere(...addresses: readonly string[]): Promise<void>;
  /** All that is known, for the message of a wait in vain. */
  story(): string;
}

/** Installs and configures everything, and starts nginx. */
export async function protectedSite(
  edge: Pick<FakeCloudflare, "url" | "token" | "blocked" | "calls">,
  { config = {}, jail: overrides = {}, ...fail2banOptions }: ProtectedSiteOptions = {},
): Promise<ProtectedSite> {
  await using stack = new AsyncDisposableStack();
  const net = stack.use(await network());
  const trusted = Object.values(edgeAddresses);
  const web = stack.use(await nginx({ listen: [`${server.ipv4}:80`, `[${server.ipv6}]:80`], trusted }));
  const site = stack.use(binarySite(edge, { config }));
  const { root, configPath, log } = site;
  const fail2ban = stack.use(
    await fail2banServer({ ...fail2banOptions, directory: root.at("etc/fail2ban") }),
  );
  await install(root);
  // What was installed is left as it is: only the paths of this directory are laid over it.
  const binary = root.at("usr/local/bin/fail2ban-cloudflare");
  fail2ban.write("action.d/cloudflare.local", `[Init]\n${lines({ cfbin: binary, cfconf: configPath })}`);
  fail2ban.write(`jail.d/${jail}.local`, `[${jail}]\n${lines({ logpath: web.logs, ...overrides })}`);

  const story = (): string =>
    [
      `blocked at the edge: ${edge.blocked().join(", ") || "nothing"}`,
      ...edge.calls.map(({ method, path, status }) => `${method} ${path} ${status ?? "unanswered"}`),
      "nginx:",
      web.log(),
      "fail2ban:",
      fail2ban.log(),
      "courier:",
      log(),
    ].join("\n");
  const owned = stack.move();
  return {
    ...site,
    net,
    web,
    fail2ban,
    visit: (count, visitor) =>
      net.requests(count, edgeAddresses[visitor.includes(":") ? "ipv6" : "ipv4"], {
        headers: { "CF-Connecting-IP": visitor },
      }),
    async blockedEverywhere(...addresses) {
      const wanted = JSON.stringify(addresses.toSorted());
      const so = async (): Promise<boolean> =>
        JSON.stringify(await net.rejected(jail)) === wanted && JSON.stringify(edge.blocked()) === wanted;
      await until(so, {
        deadlineMs: 40_000,
        what: () => `${wanted} in iptables and at the edge\n${story()}`,
      });
    },
    story,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** As an administrator does it: install.sh with the binary beside it. */
async function install(root: TempRoot): Promise<void> {
  using release = tempRoot();
  copyFileSync(join(import.meta.dir, "../../install.sh"), release.at("install.sh"));
  copyFileSync(await binaryPath(), release.at("fail2ban-cloudflare"));
  const { code, stderr } = await runProgram(["/bin/sh", release.at("install.sh"), "--root", root.path], {
    env: { PATH: systemPath },
  });
  if (code !== 0) throw new Error(`install.sh ended with ${code}: ${stderr}`);
}
