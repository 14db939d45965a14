import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { Target } from "./targets.ts";

/** One thing that blocks at the edge. */
export interface Standing {
  readonly id: string;
  /** Where, as the name of the zone that it is for. */
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
  /** Milliseconds since 1970. */
  readonly at: number;
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
  /** How old what a courier acts on may be, milliseconds: a call that is never answered, a wait for its turn. */
  readonly lagMs: number;
  /** Whether changes are operations that take their time, one at a time for all who work there. */
  readonly inBulk: boolean;
  /** Those of the places that one profile can block at. */
  together(places: readonly string[]): readonly string[];
  /** Lines of config.toml that send a profile's blocks to these places. */
  configOf(places: readonly string[], edge: FakeCloudflare): Readonly<Record<string, string>>;
  networksOf(target: Target, ipv6Prefix: number): readonly string[];
  /** What can stand only once at a place. */
  slot(network: string, mode: string): string;
  /** Has the edge as others leave it to us. */
  prepare(edge: FakeCloudflare, foreign: readonly Foreign[]): void;
  standing(edge: FakeCloudflare): Standing[];
  /** What others have at the edge beside that. */
  besides(edge: FakeCloudflare): readonly string[];
  /** Takes one away, as somebody does in the dashboard. */
  remove(edge: FakeCloudflare, standing: Standing): void;
  watch(edge: FakeCloudflare, told: (change: StandingChange) => void): void;
}
