import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, endCouriers, runBinary } from "./binary.ts";
import type { RunBinaryOptions } from "./binary.ts";
import { fail2banServer } from "./fail2ban.ts";
import type { Fail2ban, Fail2banOptions } from "./fail2ban.ts";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import { network, server } from "./network.ts";
import type { Network } from "./network.ts";
import { nginx } from "./nginx.ts";
import type { Nginx } from "./nginx.ts";
import { runProgram, systemPath } from "./program.ts";
import type { Ended } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import type { TempRoot } from "./temp-root.ts";
import { until } from "./wait.ts";

export const jail = "nginx-limit-req";

/** Addresses that nginx believes: the edge that visitors come through. */
export const edgeAddresses = { ipv4: "203.0.113.241", ipv6: "2001:db8:cf::1" } as const;

export interface ProtectedSiteOptions extends Pick<Fail2banOptions, "loglevel"> {
  /** Lines of config.toml, as TOML; null leaves one out. */
  readonly config?: Readonly<Record<string, string | null>>;
  /** Lines of jail.d/nginx-limit-req.local. */
  readonly jail?: Readonly<Record<string, string>>;
}

/** A site behind the fake Cloudflare: nginx, fail2ban with what install.sh wrote, and clients on a wire. */
export interface ProtectedSite extends AsyncDisposable {
  /** Stands for "/" of the server; holds etc/fail2ban, etc/fail2ban-cloudflare and the binary. */
  readonly root: TempRoot;
  readonly net: Network;
  readonly web: Nginx;
  /** Not yet started. */
  readonly fail2ban: Fail2ban;
  readonly configPath: string;
  readonly journalPath: string;
  /** The courier's log. */
  log(): string;
  /** The binary with this site's configuration. */
  run(argv: readonly string[], options?: RunBinaryOptions): Promise<Ended>;
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
  options: ProtectedSiteOptions = {},
): Promise<ProtectedSite> {
  await using stack = new AsyncDisposableStack();
  const root = stack.use(tempRoot());
  const net = stack.use(await network());
  const trusted = Object.values(edgeAddresses);
  const web = stack.use(await nginx({ listen: [`${server.ipv4}:80`, `[${server.ipv6}]:80`], trusted }));
  const configPath = root.at("etc/fail2ban-cloudflare/config.toml");
  stack.defer(() => endCouriers(configPath));
  const { loglevel = "INFO" } = options;
  const fail2ban = stack.use(await fail2banServer({ loglevel, directory: root.at("etc/fail2ban") }));
  await install(root);

  const [journalPath, logPath] = [root.at("var/lib/fail2ban/cloudflare/journal.db"), root.at("courier.log")];
  root.write("etc/fail2ban-cloudflare/token", `${edge.token}\n`, 0o600);
  const config: Readonly<Record<string, string | null>> = {
    api_token_file: JSON.stringify(root.at("etc/fail2ban-cloudflare/token")),
    zones: '["example.com"]',
    api_base: JSON.stringify(edge.url),
    journal: JSON.stringify(journalPath),
    log: JSON.stringify(logPath),
    fail2ban: JSON.stringify(fail2ban.directory),
    host: '"web1"',
    ...options.config,
  };
  root.write("etc/fail2ban-cloudflare/config.toml", lines(config), 0o600);
  // What was installed is left as it is: only the paths of this directory are laid over it.
  const binary = root.at("usr/local/bin/fail2ban-cloudflare");
  fail2ban.write("action.d/cloudflare.local", `[Init]\n${lines({ cfbin: binary, cfconf: configPath })}`);
  fail2ban.write(`jail.d/${jail}.local`, `[${jail}]\n${lines({ logpath: web.logs, ...options.jail })}`);

  const log = (): string => readOr(root, "courier.log");
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
    root,
    net,
    web,
    fail2ban,
    configPath,
    journalPath,
    log,
    run: (argv, runOptions) => runBinary(["--config", configPath, ...argv], runOptions),
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

function lines(values: Readonly<Record<string, string | null>>): string {
  return Object.entries(values)
    .flatMap(([key, value]) => (value === null ? [] : [`${key} = ${value}\n`]))
    .join("");
}

function readOr(root: TempRoot, path: string): string {
  try {
    return root.read(path);
  } catch {
    return "";
  }
}
