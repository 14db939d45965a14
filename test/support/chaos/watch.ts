import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { Backend, Standing } from "./backend.ts";
import type { ChaosJail } from "./jail.ts";
import { isHeldThrough } from "./model.ts";

export interface WatchOptions {
  readonly backend: Backend;
  readonly jails: readonly ChaosJail[];
  /** What somebody else has taken away, by place and network. */
  readonly excused: ReadonlySet<string>;
  readonly told: (difference: string) => void;
}

/** Looks at every change of the edge as it happens: nothing of others is touched, nothing goes that is still held. */
export function watchEdge(edge: FakeCloudflare, { backend, jails, excused, told }: WatchOptions): void {
  const hosts = new Set(jails.map(({ plan }) => plan.host.name));
  backend.watch(edge, ({ kind, standing, at }) => {
    const { place, network, mark } = standing;
    const host = /^Fail2Ban .* host:(\S+)$/.exec(mark)?.[1];
    if (host === undefined || !hosts.has(host))
      return told(`${place}: ${network} of others (${mark}) was ${kind}`);
    if (kind !== "removed" || excused.has(`${place} ${network}`)) return;
    if (backend.standing(edge).some((one) => isInPlaceOf(one, standing))) return;
    const holders = jails.filter((jail) => jail.plan.host.name === host && isHeldAt(jail, standing, at));
    for (const { plan } of holders)
      told(`${place}: ${network} was removed while ${host}/${plan.jail} holds it`);
  });

  function isHeldAt({ plan, host, model }: ChaosJail, { place, network }: Standing, at: number): boolean {
    const { places, sinceAt } = host.whereabouts(plan.profile);
    if (!places.includes(place) || sinceAt > at - backend.lagMs) return false;
    return [...model.holds.values()].some(
      (hold) =>
        backend.networksOf(hold.target, plan.host.ipv6Prefix).includes(network) &&
        isHeldThrough(hold, at - backend.lagMs, at),
    );
  }
}

/** Whether something stands there when the other is gone: in another mode, be it somebody else's. */
function isInPlaceOf(one: Standing, gone: Standing): boolean {
  return one.place === gone.place && one.network === gone.network && one.id !== gone.id;
}
