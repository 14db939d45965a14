import type { FakeCloudflare } from "../fake-cloudflare.ts";
import type { Backend, Foreign, Standing } from "./backend.ts";

/** Those that have a list of their own; longest first, as one ends like another. */
const suffixes = ["_managed_challenge", "_js_challenge", "_challenge"];

/** One item of a list. */
interface Item {
  readonly ip: string;
  readonly comment: string;
}

/** An account's IP lists, one for each mode, and a rule for each in the place's zone. */
export const lists: Backend = {
  name: "list",
  lagMs: 30_000,
  inBulk: true,
  together: (places) => places.slice(0, 1),
  configOf: ([place = ""], { account }) => ({
    backend: '"list"',
    account: JSON.stringify(account.name),
    list: JSON.stringify(nameOf(place, "block")),
    zones: JSON.stringify([place]),
  }),
  networksOf: ({ address, wide }, ipv6Prefix) => [wide !== null && ipv6Prefix === 64 ? wide : address],
  slot: (network, mode) => `${network} ${mode}`,
  prepare(edge, foreign) {
    edge.lists.plan.lists = 20;
    edge.customRules.mostRules = 20;
    for (const { name, id } of edge.zones)
      for (const other of ["office", "crawlers"])
        edge.customRules.plant({ action: "log", expression: `(http.host eq "${other}.${name}")` }, id);
    for (const one of foreign) plant(edge, one);
  },
  standing(edge) {
    const acting = new Set(edge.zones.flatMap((zone) => actingIn(edge, zone)));
    return edge.lists.names().flatMap((list) =>
      edge.lists.items(list).map((item) => {
        const standing = standingOf(list, item);
        const acts = acting.has(`${standing.place} ${list} ${standing.mode}`);
        return acts ? standing : { ...standing, mode: `${standing.mode} without a rule` };
      }),
    );
  },
  besides: (edge) =>
    edge.zones.flatMap(({ id }) =>
      edge.customRules
        .of(id)
        .filter(({ action }) => action === "log")
        .map((rule) => JSON.stringify(rule)),
    ),
  remove(edge, { id }) {
    const [list = "", ip = ""] = id.split(" ");
    edge.lists.removeItem(list, ip);
  },
  watch(edge, told) {
    edge.lists.onChange = ({ kind, list, item, at }) => told({ kind, standing: standingOf(list, item), at });
  },
};

/** What somebody has in a list of ours, be it a list that we have not made yet. */
function plant(edge: FakeCloudflare, { place, network, mode, mark }: Foreign): void {
  const list = nameOf(place, mode === "whitelist" ? "block" : mode);
  if (!edge.lists.names().includes(list)) edge.lists.plant(list);
  edge.lists.plantItem(list, network, mark);
}

/** What the rules of a zone do: its name, a list, and the action. */
function actingIn(edge: FakeCloudflare, { id, name }: FakeCloudflare["zone"]): string[] {
  return edge.customRules
    .of(id)
    .filter(({ enabled }) => enabled)
    .flatMap(({ expression, action }) =>
      [...expression.matchAll(/ip\.src in \$([a-z0-9_]+)/g)].map(([, list]) => `${name} ${list} ${action}`),
    );
}

function standingOf(list: string, item: Item): Standing {
  const suffix = suffixes.find((one) => list.endsWith(one)) ?? "";
  return {
    id: `${list} ${item.ip}`,
    place: list.slice(0, list.length - suffix.length).replaceAll("_", "."),
    network: item.ip,
    mode: suffix === "" ? "block" : suffix.slice(1),
    mark: item.comment,
    bytes: JSON.stringify(item),
  };
}

function nameOf(place: string, mode: string): string {
  const base = place.replaceAll(".", "_");
  return mode === "block" ? base : `${base}_${mode}`;
}
