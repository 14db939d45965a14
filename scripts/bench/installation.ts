import { readFileSync } from "node:fs";
import { join } from "node:path";
import { binaryPath, endCouriers } from "../../test/support/binary.ts";
import type { FakeCloudflare } from "../../test/support/fake-cloudflare.ts";
import { processesOf } from "../../test/support/program.ts";
import { tempRoot } from "../../test/support/temp-root.ts";
import { until } from "../../test/support/wait.ts";

/** Our binary with a configuration and a journal of its own. */
export interface Installation extends AsyncDisposable {
  readonly binary: string;
  readonly configPath: string;
  readonly journalPath: string;
  /** Text of action.d/cloudflare.conf. */
  readonly action: string;
  /** Returns when no courier is at work any more. */
  quiet(): Promise<void>;
}

/** `config` holds further lines of the configuration, as TOML. */
export async function installation(
  edge: Pick<FakeCloudflare, "url" | "token">,
  config: Readonly<Record<string, string>> = {},
): Promise<Installation> {
  const root = tempRoot();
  const configPath = root.at("config.toml");
  const journalPath = root.at("journal/journal.db");
  root.write("token", `${edge.token}\n`, 0o600);
  const lines = {
    api_token_file: JSON.stringify(root.at("token")),
    zones: '["example.com"]',
    api_base: JSON.stringify(edge.url),
    budget: "1200",
    host: '"web1"',
    journal: JSON.stringify(journalPath),
    log: JSON.stringify(root.at("log")),
    fail2ban: JSON.stringify(root.at("fail2ban")),
    ...config,
  };
  const text = Object.entries(lines).map(([key, value]) => `${key} = ${value}\n`);
  root.write("config.toml", text.join(""), 0o600);
  return {
    binary: await binaryPath(),
    configPath,
    journalPath,
    action: readFileSync(join(import.meta.dir, "../../src/fail2ban/action.d/cloudflare.conf"), "utf8"),
    quiet: () =>
      until(() => processesOf("--config", configPath, "deliver").length === 0, {
        what: "the courier's end",
        deadlineMs: 60_000,
      }).then(() => {}),
    async [Symbol.asyncDispose]() {
      await endCouriers(configPath);
      root[Symbol.dispose]();
    },
  };
}

/** The variables that the action sets for the program, as pairs. */
export function variablesOf(action: string): readonly (readonly [name: string, value: string])[] {
  const [, variables] = /^_run = ((?:\w+=\S+ )*)'<cfbin>'/m.exec(action) ?? [];
  if (variables === undefined) throw new Error("the action calls the program otherwise");
  return variables
    .trim()
    .split(" ")
    .map((pair) => pair.split("=", 2) as [string, string]);
}
