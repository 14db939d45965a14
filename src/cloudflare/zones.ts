import { quoted } from "../core/text.ts";
import { Failure } from "../errors.ts";
import type { Answer, Call } from "./client.ts";
import { fieldsOf } from "./envelope.ts";

/** A zone as it is called and spoken of. */
export interface NamedZone {
  readonly id: string;
  readonly name: string;
}

/** Zones of a page. Source: Cloudflare's OpenAPI document. */
const perPage = 50;

const idPattern = /^[0-9a-f]{32}$/;

/** Whether a zone or account of the configuration is written as Cloudflare's id rather than by name. */
export function isId(text: string): boolean {
  return idPattern.test(text);
}

/**
 * The id of the zone with this name: of several, as in two accounts, the one known `before`, else the first. Throws a
 * config failure when the credential sees none.
 */
export async function zoneId(call: Call, name: string, before: string | null = null): Promise<string> {
  const ids = idsIn(await call("GET", "/zones", { query: { name } }), name, {
    what: "zone",
    hint: `write the zone's own name, as "example.com", and give the token Zone:Read for it`,
  });
  return ids.find((id) => id === before) ?? ids[0];
}

/** Every zone of an account that the credential sees. */
export async function zonesOf(call: Call, account: string): Promise<readonly NamedZone[]> {
  const zones: NamedZone[] = [];
  for (let page = 1, pages = 1; page <= pages; page += 1) {
    const answer = await call("GET", "/zones", { query: { "account.id": account, page, per_page: perPage } });
    if (!answer.ok || !Array.isArray(answer.result))
      throw new Failure("config", "Cannot look up the zones of the account", {
        hint: 'name them: zones = ["…"]',
      });
    if (answer.result.length === 0) break;
    pages = answer.totalPages;
    for (const { id, name } of answer.result.map(fieldsOf<"id" | "name">)) {
      if (typeof id === "string" && isId(id) && typeof name === "string") zones.push({ id, name });
    }
  }
  if (zones.length > 0) return zones;
  throw new Failure("config", "Cannot find a zone of the account: this credential sees none", {
    hint: "give the token Zone: Read for them",
  });
}

/** The id of the account with this name. Throws a config failure when the credential sees none. */
export async function accountId(call: Call, name: string): Promise<string> {
  const [id] = idsIn(await call("GET", "/accounts", { query: { name } }), name, {
    what: "account",
    hint: "write the account's id, which stands in the address of its dashboard page",
  });
  return id;
}

/** The ids of that name, one at least. */
function idsIn(
  answer: Answer,
  name: string,
  { what, hint }: { what: string; hint: string },
): readonly [string, ...string[]] {
  if (!answer.ok)
    throw new Failure("config", `Cannot look up ${what} ${quoted(name)}: ${answer.message}`, { hint });
  if (!Array.isArray(answer.result))
    throw new Failure(
      "unavailable",
      `Cloudflare answered without a result when asked for ${what} ${quoted(name)}`,
    );
  const [id, ...others] = answer.result
    .map(fieldsOf<"id" | "name">)
    .filter((one) => typeof one.name === "string" && one.name.toLowerCase() === name.toLowerCase())
    .map(({ id }) => id)
    .filter((id): id is string => typeof id === "string" && isId(id));
  if (id !== undefined) return [id, ...others];
  throw new Failure("config", `Cannot find ${what} ${quoted(name)}: this credential sees none of that name`, {
    hint,
  });
}
