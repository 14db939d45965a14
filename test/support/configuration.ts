import type { FakeCloudflare } from "./fake-cloudflare.ts";
import type { TempRoot } from "./temp-root.ts";

export interface ConfigurationOptions {
  /** How the program sees the directory, where that is not its path here. */
  readonly under?: string;
  readonly apiBase?: string;
}

/** Writes the configuration of a server with a zone of the fake's, all of it in one directory; returns its path. */
export function writeConfiguration(
  root: TempRoot,
  edge: FakeCloudflare,
  { under = root.path, apiBase = edge.url }: ConfigurationOptions = {},
): string {
  root.write("token", edge.token, 0o600);
  const settings = {
    api_token_file: `${under}/token`,
    api_base: apiBase,
    zones: [edge.zone.name],
    journal: `${under}/journal.db`,
    log: `${under}/log`,
    fail2ban: `${under}/fail2ban`,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  root.write("config.toml", lines.join(""), 0o600);
  return `${under}/config.toml`;
}
