import type { Answer, ApiRequest } from "./answer.ts";
import type { Caller, Permission } from "./credentials.ts";

/** One method of one path; every subject (access rules, zones, …) brings its own list of these. */
export interface Route {
  readonly method: string;
  /** As "/zones/:zone/firewall/access_rules/rules". */
  readonly path: string;
  /** "public": no credential; "any": any valid one; else a token needs one of these. */
  readonly needs: "public" | "any" | readonly Permission[];
  readonly answer: (request: ApiRequest, ids: Ids, caller: Caller | null) => Answer;
}

/** What stood in the place of ":zone", ":account" and so on. */
export type Ids = Readonly<Record<string, string>>;

/** The route for a request, null when there is none. */
export function findRoute(
  routes: readonly Route[],
  { method, path }: ApiRequest,
): { readonly route: Route; readonly ids: Ids } | null {
  for (const route of routes) {
    const ids = route.method === method ? match(route.path, path) : null;
    if (ids !== null) return { route, ids };
  }
  return null;
}

function match(pattern: string, path: string): Ids | null {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const ids: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const text = given[index] ?? "";
    if (part.startsWith(":")) ids[part.slice(1)] = text;
    else if (part !== text) return null;
  }
  return ids;
}
