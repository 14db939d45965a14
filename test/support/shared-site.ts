import { binaryPath, endCouriers, runBinary } from "./binary.ts";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import type { Ended } from "./program.ts";
import { site } from "./site.ts";
import type { Site, SiteOptions } from "./site.ts";

/** A site whose configuration the real binary uses too. */
export interface SharedSite extends AsyncDisposable {
  /** The same journal, in this process. */
  readonly site: Site;
  /** The start of a command line for a shell. */
  readonly command: string;
  run(...args: readonly string[]): Promise<Ended>;
}

export async function sharedSite(edge: FakeCloudflare, options: SiteOptions = {}): Promise<SharedSite> {
  const inner = site(edge, options);
  return {
    site: inner,
    command: `${await binaryPath()} --config ${inner.configPath}`,
    run: (...args) => runBinary(["--config", inner.configPath, ...args]),
    async [Symbol.asyncDispose]() {
      await endCouriers(inner.configPath);
      inner[Symbol.dispose]();
    },
  };
}
