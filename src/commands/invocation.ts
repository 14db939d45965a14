import type { Runtime } from "../runtime.ts";

/** What a command is made from; its own arguments come with `run`. */
export interface Invocation {
  readonly runtime: Runtime;
  /** The configuration file: `--config`, `FAIL2BAN_CLOUDFLARE_CONFIG` or the default, under `runtime.root`. */
  readonly configPath: string;
}
