import type { Backend, Foreign, Standing } from "./backend.ts";
import { ownerOf } from "./fleet.ts";
import type { ChaosJail } from "./jail.ts";
import { slackMs } from "./model.ts";
import type { HostPlan } from "./scenario.ts";

/** Modes, strictest first: of several that are wanted it is the one that stands. */
const modes = ["block", "challenge", "managed_challenge", "js_challenge"];

/** What one host wants of a network at a place. */
interface Want {
  readonly host: HostPlan;
  mode: string;
}

/** Everything wanted at a place, by network; two hosts may want the same. */
export type Wanted = ReadonlyMap<string, readonly Want[]>;

/** What the model says is to be blocked at a place once all is settled. */
export function wantedAt(place: string, jails: readonly ChaosJail[], backend: Backend, now: number): Wanted {
  const wanted = new Map<string, Want[]>();
  for (const jail of jails) {
    const { model, storedUntil } = jail;
    const { host, profile, mode } = jail.plan;
    if (!jail.host.whereabouts(profile).places.includes(place)) continue;
    for (const { target, fate, endsAt } of model.holds.values()) {
      const end = Math.max(endsAt + slackMs, storedUntil(target.address) ?? 0);
      if (fate !== "held" || end <= now) continue;
      for (const network of backend.networksOf(target, host.ipv6Prefix)) {
        const wants = wanted.get(network) ?? [];
        wanted.set(network, wants);
        const mine = wants.find((want) => ownerOf(want.host) === ownerOf(host));
        if (mine === undefined) wants.push({ host, mode: strictest(mode, mode) });
        else mine.mode = strictest(mine.mode, mode);
      }
    }
  }
  return wanted;
}

function strictest(...wanted: readonly string[]): string {
  const named = wanted.map((mode) => (mode === "" ? "block" : mode));
  return modes.find((mode) => named.includes(mode)) ?? "block";
}

export interface CompareOptions {
  readonly backend: Backend;
  readonly place: string;
  readonly wanted: Wanted;
  readonly standing: readonly Standing[];
  readonly foreign: readonly Foreign[];
  /** What may be missing until a sync, by place and network. */
  readonly excused: ReadonlySet<string>;
}

/** Where the edge is not what the model says. */
export function differences(options: CompareOptions): string[] {
  const { backend, place, wanted, standing, foreign, excused } = options;
  const here = standing.filter((one) => one.place === place);
  const marks = new Set(
    foreign.filter((one) => one.place === place).map(({ network, mark }) => network + mark),
  );
  const isForeign = ({ network, mark }: Standing): boolean => marks.has(network + mark);
  const others = new Set(here.filter(isForeign).map(({ network, mode }) => backend.slot(network, mode)));
  const ours = here.filter((one) => !isForeign(one));
  const taken = new Set(ours.map(({ network, mode }) => backend.slot(network, mode)));
  const found: string[] = [];
  for (const { network, mode, mark } of ours) {
    const wants = wanted.get(network) ?? [];
    const owner = wants.find(({ host }) => mark.endsWith(` host:${ownerOf(host)}`));
    if (owner === undefined)
      found.push(`${place}: ${network} stands there (${mark}) and is held by nobody of that name`);
    else if (owner.mode !== mode) found.push(`${place}: ${network} has mode ${mode}, not ${owner.mode}`);
  }
  for (const [network, wants] of wanted) {
    if (excused.has(`${place} ${network}`)) continue;
    for (const { host, mode } of wants) {
      const slot = backend.slot(network, mode);
      if (!taken.has(slot) && !others.has(slot))
        found.push(`${place}: ${network} is missing, held by ${host.name} as ${mode}`);
    }
  }
  return found;
}
