import type { Mode } from "../core/hold.ts";
import { Failure } from "../errors.ts";
import type { AccountLists } from "./account-lists.ts";
import type { Call } from "./client.ts";
import { dropRules, putRule, readRules, stateOf } from "./custom-rules.ts";
import type { CustomRules } from "./custom-rules.ts";
import type { ListItems } from "./list-items.ts";
import type { NamedZone } from "./zones.ts";

/** A list, and the zones that are to act on it. */
export interface ProvisionOptions {
  readonly call: Call;
  readonly lists: AccountLists;
  readonly zones: readonly NamedZone[];
  readonly list: string;
  readonly mode: Mode;
}

/** What was found, and what was done about it: "+" made, "~" set right, "-" removed, "=" left as it is, "!" not known. */
export interface Provided {
  readonly sign: "+" | "~" | "-" | "=" | "!";
  readonly what: string;
}

const description = "Addresses that fail2ban bans, kept by fail2ban-cloudflare";

/**
 * Makes the list where it is missing, and in every zone one rule that acts on it; sets a rule of ours right that
 * somebody has changed. Other rules stay as they are. May be interrupted and begun again. "look" changes nothing.
 */
export async function provision(
  options: ProvisionOptions,
  how: "mend" | "look",
): Promise<readonly Provided[]> {
  try {
    return await provide(options, how);
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== "rejected") throw error;
    throw new Failure("rejected", `Cannot provide list "${options.list}": ${error.message}`, {
      hint: "give the token Account Filter Lists: Edit and Zone WAF: Edit, then run: fail2ban-cloudflare sync --provision",
      cause: error,
    });
  }
}

async function provide(options: ProvisionOptions, how: "mend" | "look"): Promise<readonly Provided[]> {
  const { call, lists, zones, list, mode } = options;
  await lists.forget(list);
  const made = (await lists.idOf(list)) === null;
  const provided: Provided[] = [{ sign: made ? "+" : "=", what: `list ${list}` }];
  const found = new Map<NamedZone, CustomRules>();
  for (const zone of zones) {
    const rules = await readOrTell(call, zone, { list, made });
    if ("sign" in rules) provided.push(rules);
    else found.set(zone, rules);
  }
  // Only now: without the right to add rules, a new list would serve nobody.
  if (made && how === "mend") await lists.make(list, description);
  for (const [zone, rules] of found) {
    const wanted = { list, mode };
    const state = stateOf(rules, wanted);
    const what = `rule for list ${list} in zone ${zone.name}`;
    if (state === "theirs") provided.push({ sign: "=", what: `${what}: somebody else's` });
    else if (state === "ours") provided.push({ sign: "=", what });
    else {
      if (how === "mend") await putRule(call, zone, { found: rules, wanted });
      provided.push({ sign: state === "missing" ? "+" : "~", what });
    }
  }
  return provided;
}

/** Removes our rules and the list, unless something is left in it or refers to it. */
export async function removeProvision(
  { call, lists, zones, list }: Omit<ProvisionOptions, "mode">,
  items: ListItems,
): Promise<readonly Provided[]> {
  await lists.forget(list);
  const id = await lists.idOf(list);
  if (id === null) return [];
  const left = await Array.fromAsync(items.all(id));
  if (left.length > 0)
    return [{ sign: "=", what: `list ${list} and its rules: ${left.length} items are left in it` }];
  const removed: Provided[] = [];
  for (const zone of zones) {
    if ((await dropRules(call, zone, list)) > 0)
      removed.push({ sign: "-", what: `rule for list ${list} in zone ${zone.name}` });
  }
  const obstacle = await lists.remove(list, id);
  if (obstacle === null) return [...removed, { sign: "-", what: `list ${list}` }];
  return [...removed, { sign: "=", what: `list ${list}: ${obstacle}` }];
}

/** The rules of a zone; where we may not see them, a list that somebody has made is believed to have its rule. */
async function readOrTell(
  call: Call,
  zone: NamedZone,
  { list, made }: { readonly list: string; readonly made: boolean },
): Promise<CustomRules | Provided> {
  try {
    return await readRules(call, zone);
  } catch (error) {
    if (made || !(error instanceof Failure) || error.kind !== "rejected") throw error;
    const state = "this token may not see it, and without one the list blocks nobody";
    return { sign: "!", what: `rule for list ${list} in zone ${zone.name}: ${state}` };
  }
}
