import type { Address } from "../core/address.ts";
import { readAddress, width } from "../core/address.ts";
import { mark, markedJail } from "../core/mark.ts";
import { pooled } from "../core/pool.ts";
import type { Blocklist, Change, Settled } from "../core/ports.ts";
import { Failure } from "../errors.ts";
import type { Call } from "./client.ts";
import { leftoversOf } from "./leftovers.ts";
import { isGone, refusal, ruleIn, ruleReader } from "./rule-reader.ts";
import type { ReadRule } from "./rule-reader.ts";
import { isFor, rowOf } from "./rule.ts";
import type { AccessRule } from "./rule.ts";

/** Where access rules live. */
export type Scope =
  | { readonly kind: "user" }
  | { readonly kind: "account"; readonly id: string }
  | { readonly kind: "zone"; readonly id: string; readonly name: string };

export interface AccessRulesOptions {
  readonly call: Call;
  readonly scope: Scope;
  readonly host: string;
}

/** Calls under way at once: keeps a storm short without a burst of connections. */
const concurrency = 8;

const duplicate = 10009;

/** IP access rules of one scope as a Blocklist. */
export function accessRules({ call, scope, host }: AccessRulesOptions): Blocklist {
  const path = `${basePath(scope)}/firewall/access_rules/rules`;
  const { list, find, read, readSome } = ruleReader({ call, path, scopeType: scopeType(scope), host });

  async function create(network: Address, mode: string, jail: string): Promise<Found | "duplicate"> {
    const configuration = { target: target(network), value: network.text };
    const answer = await call("POST", path, { body: { mode, configuration, notes: mark(jail, host) } });
    const rule = ruleIn(answer);
    if (rule !== null && isFor(rule, network)) return { outcome: "added", row: rowOf(rule, network, host) };
    if (!answer.ok && answer.codes.includes(duplicate)) return "duplicate";
    throw refusal(`ban ${network.text}`, answer);
  }

  async function add(network: Address, mode: string, jail: string): Promise<Found> {
    const made = await create(network, mode, jail);
    if (made !== "duplicate") return made;
    const rule = await find(network);
    const adopted = rule === null ? "gone" : await adopt(rule, network, mode);
    if (adopted !== "gone") return adopted;
    const again = await create(network, mode, jail);
    if (again !== "duplicate") return again;
    if (rule !== null)
      throw new Failure("unavailable", `Cloudflare does not agree with itself on ${network.text}`);
    // Ours were all looked at: it is somebody else's, and no filter finds it.
    return { outcome: "present", row: { network: network.text, id: null, mode: null, owned: false } };
  }

  /** What to make of a rule that is there already: ours from a call whose answer was lost, or somebody else's. */
  async function adopt(rule: AccessRule, network: Address, mode: string): Promise<Found | "gone"> {
    const row = rowOf(rule, network, host);
    if (!row.owned || rule.mode === mode) return { outcome: "present", row };
    const answer = await call("PATCH", `${path}/${rule.id}`, { body: { mode } });
    const changed = ruleIn(answer);
    if (changed !== null) return { outcome: "present", row: rowOf(changed, network, host) };
    if (isGone(answer)) return "gone";
    throw refusal(`change the mode of ${network.text}`, answer);
  }

  async function remove(network: Address, id: string | null, readOne: ReadRule): Promise<Found> {
    const rule = id === null ? await find(network) : await readOne(id);
    // Somebody may have taken it over since we made it.
    const ours = rule !== null && isFor(rule, network) && rowOf(rule, network, host).owned;
    if (!ours) return { outcome: "absent", row: null };
    const answer = await call("DELETE", `${path}/${rule.id}`);
    if (answer.ok && answer.result !== null) return { outcome: "removed", row: null };
    if (isGone(answer)) return { outcome: "absent", row: null };
    throw refusal(`unban ${network.text}`, answer);
  }

  async function make(wanted: Change, readOne: ReadRule): Promise<Found> {
    const { network } = wanted;
    if (wanted.kind === "remove") return remove(network, wanted.id, readOne);
    const rule = wanted.kind === "change" ? await read(wanted.id) : null;
    const adopted = rule !== null && isFor(rule, network) ? await adopt(rule, network, wanted.mode) : "gone";
    return adopted === "gone" ? add(network, wanted.mode, wanted.jail) : adopted;
  }

  async function settle(wanted: Change, readOne: ReadRule): Promise<Settled> {
    try {
      return { change: wanted, ...(await make(wanted, readOne)) };
    } catch (failure) {
      return { change: wanted, failure };
    }
  }

  return {
    place: placeOf(scope),
    label: scope.kind === "zone" ? `zone ${scope.name}` : scope.kind,
    mode: null,
    pool: null,
    atOnce: 1,
    check: async () => [],
    apply(changes, signal) {
      const readOne = readSome(changes.filter(({ kind }) => kind === "remove").length);
      return pooled(changes, (one) => settle(one, readOne), { concurrency, signal });
    },
    async *entries({ foreign }) {
      for await (const rule of list(foreign ? "all" : "ours")) {
        const network = readAddress(rule.value);
        if (network === null) continue;
        const row = rowOf(rule, network, host);
        if (foreign || row.owned) yield { ...row, jail: row.owned ? markedJail(rule.notes, host) : null };
      }
    },
    leftovers: leftoversOf({ call, path, host, list: () => list("stock") }),
  };
}

/** What a scope is called in the journal. */
export function placeOf(scope: Pick<Scope, "kind"> & { readonly id?: string }): string {
  return scope.kind === "user" ? "user" : `${scope.kind}:${scope.id}`;
}

type Found = Pick<Extract<Settled, { outcome: unknown }>, "outcome" | "row">;

function basePath(scope: Scope): string {
  if (scope.kind === "user") return "/user";
  return scope.kind === "account" ? `/accounts/${scope.id}` : `/zones/${scope.id}`;
}

/** The API's word for the scope in a rule. */
function scopeType(scope: Scope): string {
  return scope.kind === "account" ? "organization" : scope.kind;
}

function target({ family, prefix }: Address): "ip" | "ip6" | "ip_range" {
  if (prefix < width(family)) return "ip_range";
  return family === "inet4" ? "ip" : "ip6";
}
