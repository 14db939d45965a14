import { canonical } from "../cloudflare/configuration.ts";
import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { AccessRule } from "../fake-cloudflare.ts";
import type { Target } from "./targets.ts";

/** One thing that blocks at the edge. */
export interface Standing {
  readonly id: string;
  /** Where, as the name of a zone. */
  readonly place: string;
  readonly network: string;
  readonly mode: string;
  /** The ownership mark, or whatever stands in its place. */
  readonly mark: string;
  /** All of it, to compare. */
  readonly bytes: string;
}

export interface StandingChange {
  readonly kind: "added" | "changed" | "removed";
  readonly standing: Standing;
}

/** Something that somebody else has put there. */
export interface Foreign {
  readonly place: string;
  readonly network: string;
  readonly mode: "block" | "challenge" | "whitelist";
  readonly mark: string;
}

/** How a kind of edge is configured, filled by others, and read. */
export interface Backend {
  readonly name: string;
  /** Lines of config.toml that send a profile's blocks to these places. */
  configOf(places: readonly string[]): Readonly<Record<string, string>>;
  networksOf(target: Target, ipv6Prefix: number): readonly string[];
  plant(edge: FakeCloudflare, foreign: Foreign): void;
  standing(edge: FakeCloudflare): Standing[];
  /** Takes one away, as somebody does in the dashboard. */
  remove(edge: FakeCloudflare, standing: Standing): void;
  watch(edge: FakeCloudflare, told: (change: StandingChange) => void): void;
}

export const accessRules: Backend = {
  name: "access-rules",
  configOf: (places) => ({ zones: JSON.stringify(places) }),
  networksOf: ({ rules, wide }, ipv6Prefix) => (wide !== null && ipv6Prefix === 64 ? [wide] : rules),
  plant(edge, { place, network, mode, mark }) {
    const zone = edge.zones.find(({ name }) => name === place);
    if (zone === undefined) throw new Error(`Cannot plant at ${place}: there is no such zone`);
    edge.plant(zone.scope, { value: network, mode, notes: mark });
  },
  standing: (edge) => edge.rules().map(standingOf),
  remove: (edge, { id }) => void edge.remove(id),
  watch(edge, told) {
    edge.onChange = ({ kind, rule }) => told({ kind, standing: standingOf(rule) });
  },
};

const backends = [accessRules];

/** The backend that the configuration calls so. */
export function backendNamed(wanted: string): Backend {
  const backend = backends.find(({ name }) => name === wanted);
  if (backend === undefined)
    throw new Error(
      `Cannot use backend "${wanted}": not one of ${backends.map(({ name }) => name).join(", ")}`,
    );
  return backend;
}

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
