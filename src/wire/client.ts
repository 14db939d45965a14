import pkg from "../../package.json" with { type: "json" };
import { cloudflareClient } from "../cloudflare/client.ts";
import type { Call, ClientOptions } from "../cloudflare/client.ts";
import { publishedRanges as readRanges } from "../cloudflare/ips.ts";
import type { Config } from "../config.ts";
import type { FactLedger } from "../core/journal.ts";
import type { Runtime } from "../runtime.ts";

/** How long calls under way may still take after SIGTERM. */
const lastCallsMs = 2_000;

const userAgent = `fail2ban-cloudflare/${pkg.version}`;

/** Calls the API that the configuration names. */
export function client({
  runtime,
  config,
  ...rest
}: {
  readonly runtime: Pick<Runtime, "fetch" | "now">;
  readonly config: Pick<Config, "apiBase">;
} & Pick<ClientOptions, "credential" | "gate" | "hardStop">): Call {
  return cloudflareClient({
    ...rest,
    fetch: runtime.fetch,
    baseUrl: config.apiBase,
    userAgent,
    now: runtime.now,
  });
}

/** In place of a gate: nothing is counted. */
export const uncounted = { admit: async () => {}, limited: async () => {}, close: async () => {} };

/** In place of a journal: nothing is remembered. */
export const forgetful: FactLedger = { fact: async () => null, setFact: async () => {} };

/** Aborts a while after the program is asked to end, so that calls under way can finish. */
export function hardStop({ signal, sleep }: Runtime): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => void sleep(lastCallsMs).then(() => controller.abort());
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return controller.signal;
}

/** Cloudflare's own ranges as its API names them today; needs no credential. */
export async function publishedRanges({ fetch }: Runtime, { apiBase }: Config): Promise<readonly string[]> {
  const ranges = await readRanges({ fetch, baseUrl: apiBase, userAgent });
  return ranges.map(({ text }) => text);
}
