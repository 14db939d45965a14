import { Failure } from "../errors.ts";
import type { Call, CallOptions } from "./client.ts";
import { fieldsOf } from "./envelope.ts";
import { isId } from "./zones.ts";

export interface SeenAccount {
  readonly id: string;
  readonly name: string;
}

export interface SeenZone {
  readonly id: string;
  readonly name: string;
  /** "active", or why its rules have no effect yet. */
  readonly status: string;
  readonly account: SeenAccount;
}

/** Source: the API's maximum for zones and for accounts. */
const perPage = 50;

/** Nobody chooses among more. */
const mostPages = 20;

/** The zones that the credential sees: all, or the one of a name. */
export async function zonesSeen(call: Call, name?: string): Promise<readonly SeenZone[]> {
  const rows = await listed(call, "/zones", name === undefined ? {} : { name });
  return rows.flatMap((row) => {
    const account = seen(fieldsOf<"account">(row).account) ?? { id: "", name: "" };
    const { status } = fieldsOf<"status">(row);
    const zone = seen(row);
    return zone === null
      ? []
      : [{ ...zone, status: typeof status === "string" ? status : "unknown", account }];
  });
}

/** The accounts that the credential sees; a token for zones alone may see none. */
export async function accountsSeen(call: Call): Promise<readonly SeenAccount[]> {
  return (await listed(call, "/accounts", {})).map(seen).filter((account) => account !== null);
}

async function listed(call: Call, path: string, filter: CallOptions["query"]): Promise<readonly unknown[]> {
  const rows: unknown[] = [];
  for (let page = 1, pages = 1; page <= Math.min(pages, mostPages); page += 1) {
    const answer = await call("GET", path, { query: { ...filter, page, per_page: perPage } });
    if (!answer.ok || !Array.isArray(answer.result)) {
      const state = answer.ok ? "no list came back" : answer.message;
      throw new Failure("unavailable", `Cannot list ${path.slice(1)}: ${state}`);
    }
    rows.push(...answer.result);
    pages = answer.totalPages;
  }
  return rows;
}

/** An id becomes part of a path, and a name is shown to a person. */
function seen(row: unknown): SeenAccount | null {
  const { id, name } = fieldsOf<"id" | "name">(row);
  if (typeof id !== "string" || !isId(id)) return null;
  return typeof name === "string" && !/[\u0000-\u001f\u007f-\u009f]/.test(name) ? { id, name } : null;
}
