import { accessRules } from "../../src/cloudflare/access-rules.ts";
import { cloudflareClient } from "../../src/cloudflare/client.ts";
import type { Call } from "../../src/cloudflare/client.ts";
import type { Sleep } from "../../src/cloudflare/patience.ts";
import { listOfMode, modeOfList } from "../../src/cloudflare/list-names.ts";
import { accessRuleReach, listReach } from "../../src/core/cover.ts";
import type { Reach } from "../../src/core/cover.ts";
import type { Mode } from "../../src/core/hold.ts";
import { modes } from "../../src/core/hold.ts";
import type { Blocklist } from "../../src/core/ports.ts";
import { turns } from "../../src/core/turns.ts";
import { Secret } from "../../src/secret.ts";
import { listPlace, openAccount, poolName } from "../../src/wire/list-places.ts";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import { canonical } from "./cloudflare/configuration.ts";

/** What stands at a place, as somebody at the dashboard sees it. */
export interface Standing {
  readonly network: string;
  readonly mode: string;
  readonly mark: string;
}

interface Request {
  readonly method: string;
  readonly path: string;
}

export interface OpenOptions {
  readonly host?: string;
  /** How it waits; without one, waits take no time. */
  readonly sleep?: Sleep;
}

/** A way to block, and the fake's side of it. */
export interface Backend {
  readonly name: string;
  readonly reach: Reach;
  /** Its places, among them one for every mode, all of them there. */
  open(edge: FakeCloudflare, options?: OpenOptions): readonly Blocklist[];
  standing(edge: FakeCloudflare): readonly Standing[];
  plant(edge: FakeCloudflare, standing: Standing): void;
  remove(edge: FakeCloudflare, network: string): void;
  /** Whether a request adds or removes, as faults choose. */
  adds(request: Request): boolean;
  removes(request: Request): boolean;
  /** Has Cloudflare refuse a network for good. */
  refuse(edge: FakeCloudflare, network: string): void;
}

export const accessRulesBackend: Backend = {
  name: "access rules of a zone",
  reach: accessRuleReach,
  open: (edge, { host = "web1" } = {}) => [
    accessRules({
      call: callOf(edge),
      scope: { kind: "zone", id: edge.zone.id, name: edge.zone.name },
      host,
    }),
  ],
  standing: (edge) =>
    edge.rules().map(({ configuration, mode, notes }) => ({
      network: canonical(configuration.value) ?? configuration.value,
      mode,
      mark: notes,
    })),
  plant: (edge, { network, mode, mark }) =>
    void edge.plant(edge.zone.scope, { value: network, mode: mode as Mode, notes: mark }),
  remove: (edge, network) => {
    for (const { id, configuration } of edge.rules())
      if (canonical(configuration.value) === network) edge.remove(id);
  },
  adds: ({ method, path }) => method === "POST" && path.endsWith("/access_rules/rules"),
  removes: ({ method, path }) => method === "DELETE" && path.includes("/access_rules/rules/"),
  refuse(edge, network) {
    const when = ({ method, body }: Request & { readonly body: string }): boolean =>
      method === "POST" && body.includes(`"${network}"`);
    edge.fail({ kind: "status", status: 400, message: "no" }, { times: Infinity, when });
  },
};

export const listBackend: Backend = {
  name: "items of an account's lists",
  reach: listReach,
  open(edge, { host = "web1", sleep = async () => {} } = {}) {
    edge.lists.plan.lists = modes.length;
    const pool = { name: poolName(edge.account.id), capacity: async () => 10_000 };
    const account = openAccount({
      runtime: { sleep: (ms, signal = new AbortController().signal) => sleep(ms, signal) },
      call: callOf(edge),
      account: edge.account.id,
      journal: { fact: async () => null, setFact: async () => {} },
      turns: turns(),
    });
    const provisioner = {
      ensure: async () => {},
      outdated: async () => false,
      renew: async () => {},
      lost: async () => {},
      check: async () => [],
    };
    return modes.map((mode) => {
      const name = listOfMode("fail2ban", mode);
      if (!edge.lists.names().includes(name)) edge.lists.plant(name);
      return listPlace({ account, name, label: `list ${name}`, pool, host, provisioner });
    });
  },
  standing: (edge) =>
    edge.lists
      .names()
      .flatMap((name) =>
        edge.lists
          .items(name)
          .map(({ ip, comment }) => ({ network: ip, mode: modeOfList(name), mark: comment })),
      ),
  plant: (edge, { network, mode, mark }) =>
    edge.lists.plantItem(listOfMode("fail2ban", mode as Mode), network, mark),
  remove: (edge, network) => {
    for (const name of edge.lists.names()) edge.lists.removeItem(name, network);
  },
  adds: ({ method, path }) => method === "POST" && path.endsWith("/items"),
  removes: ({ method, path }) => method === "DELETE" && path.endsWith("/items"),
  refuse(edge, network) {
    edge.lists.bulk.poison = ({ ip }) => (ip === network ? "no" : null);
  },
};

/** The place that takes what is to be blocked outright. */
export function firstOf(backend: Backend, edge: FakeCloudflare): Blocklist {
  const place = backend.open(edge).find(({ mode }) => mode === null || mode === "block");
  if (place === undefined) throw new Error("No place blocks");
  return place;
}

/** Calls the fake with its valid token, without a budget. */
function callOf(edge: FakeCloudflare): Call {
  return cloudflareClient({
    fetch,
    baseUrl: edge.url,
    credential: { kind: "token", token: new Secret(edge.token) },
    gate: { admit: async () => {}, limited: async () => {} },
    hardStop: new AbortController().signal,
    userAgent: "test",
    now: Date.now,
  });
}
