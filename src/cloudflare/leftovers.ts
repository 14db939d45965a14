import { readAddress } from "../core/address.ts";
import { isMode } from "../core/hold.ts";
import { mark, stockJail } from "../core/mark.ts";
import { pooled } from "../core/pool.ts";
import type { Leftover, Leftovers, Settled, Takeover } from "../core/ports.ts";
import type { Call } from "./client.ts";
import { isGone, refusal, ruleIn } from "./rule-reader.ts";
import { rowOf } from "./rule.ts";
import type { AccessRule } from "./rule.ts";

export interface LeftoversOptions {
  readonly call: Call;
  /** Where the rules of the scope are. */
  readonly path: string;
  readonly host: string;
  /** The rules of the scope whose notes have "Fail2Ban" in them, and perhaps others. */
  list(): AsyncIterable<AccessRule>;
}

/** Calls under way at once. */
const concurrency = 8;

/** What fail2ban's own actions left among the access rules of one scope. */
export function leftoversOf({ call, path, host, list: rules }: LeftoversOptions): Leftovers {
  async function* list(): AsyncGenerator<Leftover> {
    for await (const { id, mode, notes, value } of rules()) {
      const [network, jail] = [readAddress(value)?.text, stockJail(notes)];
      if (network !== undefined && jail !== null && isMode(mode)) yield { network, id, mode, jail };
    }
  }

  async function make(step: Takeover): Promise<Made> {
    const isOurs = step.kind === "change";
    const body = isOurs ? { body: { mode: step.mode, notes: mark(step.jail, host) } } : {};
    const answer = await call(isOurs ? "PATCH" : "DELETE", `${path}/${step.id}`, body);
    if (isGone(answer)) return absent;
    const rule = ruleIn(answer);
    if (isOurs && rule !== null) return { outcome: "present", row: rowOf(rule, step.network, host) };
    if (!isOurs && answer.ok) return { outcome: "removed", row: null };
    throw refusal(`take over ${step.network.text}`, answer);
  }

  return {
    list,
    async *apply(steps, signal) {
      // Somebody may have changed some since they were judged.
      const left = new Map((await Array.fromAsync(list())).map(({ id, network }) => [id, network]));
      const settle = async (change: Takeover): Promise<Settled> => {
        const isLeft = change.id !== null && left.get(change.id) === change.network.text;
        try {
          return { change, ...(isLeft ? await make(change) : absent) };
        } catch (failure) {
          return { change, failure };
        }
      };
      yield* pooled(steps, settle, { concurrency, signal });
    },
  };
}

type Made = Pick<Extract<Settled, { outcome: unknown }>, "outcome" | "row">;

const absent: Made = { outcome: "absent", row: null };
