import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { Backend, Standing } from "./backend.ts";
import { ownerOf } from "./fleet.ts";
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
  const hosts = new Set(jails.map(({ plan }) => ownerOf(plan.host)));
  backend.watch(edge, ({ kind, standing, at }) => {
    const { place, network, mark } = standing;
    const host = /^Fail2Ban .* host:(\S+)$/.exec(mark)?.[1];
    if (host === undefined || !hosts.has(host))
      return told(`${place}: ${network} of others (${mark}) was ${kind}`);
    if (kind !== "removed" || excused.has(`${place} ${network}`)) return;
    if (backend.standing(edge).some((one) => isInPlaceOf(one, standing))) return;
    const holders = jails.filter((jail) => ownerOf(jail.plan.host) === host && isHeldAt(jail, standing, at));
    for (const { plan } of holders)
      told(`${place}: ${network} was removed while ${plan.host.name}/${plan.jail} holds it`);
  });

  function isHeldAt({ plan, host, model }: ChaosJail, { place, network }: Standing, at: number): boolean {
    const { places, sinceAt } = host.whereabouts(plan.profile);
    if (!places.includes(place) || sinceAt > at - lagMs) return false;
    return [...model.holds.values()].some(
      (hold) =>
        backend.networksOf(hold.target, plan.host.ipv6Prefix).includes(network) &&
        isHeldThrough(hold, at - lagMs, at),
    );
  }
}

/** Whether something stands there when the other is gone: in another mode, be it somebody else's. */
function isInPlaceOf(one: Standing, gone: Standing): boolean {
  return one.place === gone.place && one.network === gone.network && one.id !== gone.id;
}
