import { canonical } from "../cloudflare/configuration.ts";
import type { AccessRule } from "../fake-cloudflare.ts";
import type { Backend, Standing } from "./backend.ts";

/** IP access rules of zones: one for each network, whatever its mode. */
export const accessRules: Backend = {
  name: "access-rules",
  lagMs: 16_000,
  inBulk: false,
  together: (places) => places,
  configOf: (places) => ({ zones: JSON.stringify(places) }),
  networksOf: ({ rules, wide }, ipv6Prefix) => (wide !== null && ipv6Prefix === 64 ? [wide] : rules),
  slot: (network) => network,
  prepare(edge, foreign) {
    for (const { place, network, mode, mark } of foreign) {
      const zone = edge.zones.find(({ name }) => name === place);
      if (zone === undefined) throw new Error(`Cannot plant at ${place}: there is no such zone`);
      edge.plant(zone.scope, { value: network, mode, notes: mark });
    }
  },
  standing: (edge) => edge.rules().map(standingOf),
  besides: () => [],
  remove: (edge, { id }) => void edge.remove(id),
  watch(edge, told) {
    edge.onChange = ({ kind, rule }) => told({ kind, standing: standingOf(rule), at: Date.now() });
  },
};

function standingOf(rule: AccessRule): Standing {
  return {
    id: rule.id,
    place: rule.scope.name ?? "",
    network: canonical(rule.configuration.value) ?? rule.configuration.value,
    mode: rule.mode,
    mark: rule.notes,
    bytes: JSON.stringify(rule),
  };
}
