import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { Backend, Standing } from "./backend.ts";
import type { ChaosJail } from "./jail.ts";
import { isHeldThrough } from "./model.ts";

export interface WatchOptions {
  readonly backend: Backend;
  readonly jails: readonly ChaosJail[];
  /** How old what a courier acts on may be. */
  readonly lagMs: number;
  /** What somebody else has taken away, by place and network. */
  readonly excused: ReadonlySet<string>;
  readonly told: (difference: string) => void;
}

/** Looks at every change of the edge as it happens: nothing of others is touched, nothing goes that is still held. */
export function watchEdge(
  edge: FakeCloudflare,
  { backend, jails, lagMs, excused, told }: WatchOptions,
): void {
  const hosts = new Set(jails.map(({ plan }) => plan.host.name));
  backend.watch(edge, ({ kind, standing }) => {
    const { place, network, mark } = standing;
    const host = /^Fail2Ban .* host:(\S+)$/.exec(mark)?.[1];
    if (host === undefined || !hosts.has(host))
      return told(`${place}: ${network} of others (${mark}) was ${kind}`);
    if (kind !== "removed" || excused.has(`${place} ${network}`)) return;
    if (backend.standing(edge).some((one) => isInPlaceOf(one, standing, host))) return;
    const now = Date.now();
    const holders = jails.filter((jail) => jail.plan.host.name === host && isHeldAt(jail, standing, now));
    for (const { plan } of holders)
      told(`${place}: ${network} was removed while ${host}/${plan.jail} holds it`);
  });

  function isHeldAt({ plan, host, model }: ChaosJail, { place, network }: Standing, now: number): boolean {
    const { places, sinceAt } = host.whereabouts(plan.profile);
    if (!places.includes(place) || sinceAt > now - lagMs) return false;
    return [...model.holds.values()].some(
      (hold) =>
        backend.networksOf(hold.target, plan.host.ipv6Prefix).includes(network) &&
        isHeldThrough(hold, now - lagMs, now),
    );
  }
}

/** Whether one of the host's still stands there when the other is gone: it has another mode. */
function isInPlaceOf(one: Standing, gone: Standing, host: string): boolean {
  const isSame = one.place === gone.place && one.network === gone.network;
  return isSame && one.id !== gone.id && one.mark.endsWith(` host:${host}`);
}
