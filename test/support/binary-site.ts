import { existsSync } from "node:fs";
import { endCouriers, runBinary } from "./binary.ts";
import type { RunBinaryOptions } from "./binary.ts";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import { processesOf } from "./program.ts";
import type { Ended } from "./program.ts";
import { tempRoot } from "./temp-root.ts";
import type { TempRoot } from "./temp-root.ts";

export interface BinarySiteOptions {
  /** Stands for "/"; default: a directory that goes with the site. */
  readonly root?: TempRoot;
  /** Lines of config.toml, as TOML; null leaves one out. */
  readonly config?: Readonly<Record<string, string | null>>;
}

/** The binary with a configuration of its own: real processes against the fake, hooks and the couriers they start. */
export interface BinarySite extends AsyncDisposable {
  readonly root: TempRoot;
  readonly configPath: string;
  readonly journalPath: string;
  /** Writes the configuration anew. */
  configure(config: NonNullable<BinarySiteOptions["config"]>): void;
  run(argv: readonly string[], options?: RunBinaryOptions): Promise<Ended>;
  /** Couriers that run now, at work or about to find that another is. */
  couriers(): number[];
  /** The courier's log. */
  log(): string;
}

export function binarySite(
  edge: Pick<FakeCloudflare, "url" | "token">,
  { root = tempRoot(), config = {} }: BinarySiteOptions = {},
): BinarySite {
  const configPath = root.at("etc/fail2ban-cloudflare/config.toml");
  const journalPath = root.at("var/lib/fail2ban/cloudflare/journal.db");
  const tokenPath = "etc/fail2ban-cloudflare/token";
  root.write(tokenPath, `${edge.token}\n`, 0o600);
  const configure = (values: NonNullable<BinarySiteOptions["config"]>): void => {
    const all: Readonly<Record<string, string | null>> = {
      api_token_file: JSON.stringify(root.at(tokenPath)),
      zones: '["example.com"]',
      api_base: JSON.stringify(edge.url),
      journal: JSON.stringify(journalPath),
      log: JSON.stringify(root.at("courier.log")),
      fail2ban: JSON.stringify(root.at("etc/fail2ban")),
      host: '"web1"',
      ...values,
    };
    root.write("etc/fail2ban-cloudflare/config.toml", lines(all), 0o600);
  };
  configure(config);
  return {
    root,
    configPath,
    journalPath,
    configure,
    run: (argv, options) => runBinary(["--config", configPath, ...argv], options),
    couriers: () => processesOf("--config", configPath, "deliver"),
    log: () => (existsSync(root.at("courier.log")) ? root.read("courier.log") : ""),
    async [Symbol.asyncDispose]() {
      await endCouriers(configPath);
      root[Symbol.dispose]();
    },
  };
}

/** Settings as fail2ban's files and TOML have them. */
export function lines(values: Readonly<Record<string, string | null>>): string {
  return Object.entries(values)
    .flatMap(([key, value]) => (value === null ? [] : [`${key} = ${value}\n`]))
    .join("");
}
