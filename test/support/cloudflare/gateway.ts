import type { Answer, ApiRequest } from "./answer.ts";
import { noRoute } from "./answer.ts";
import type { Credentials } from "./credentials.ts";
import { authenticate, notPermitted, permits } from "./credentials.ts";
import type { Directory } from "./directory.ts";
import type { Route } from "./routes.ts";
import { findRoute } from "./routes.ts";

export interface Gateway {
  readonly routes: readonly Route[];
  readonly credentials: Credentials;
  readonly directory: Pick<Directory, "zones" | "accounts">;
}

/** Does the work of a request, in Cloudflare's order: form of the path, credential, identifiers, permission. */
export function gateway({ routes, credentials, directory }: Gateway): (request: ApiRequest) => Answer {
  return (request) => {
    const { path, headers } = request;
    if (/^\/(zones|accounts)\/(?![0-9a-f]{32}(\/|$))/.test(path)) return noRoute(path);
    const found = findRoute(routes, request);
    if (found?.route.needs === "public") return found.route.answer(request, found.ids, null);
    const identified = authenticate(credentials, path, headers);
    if ("refused" in identified) return identified.refused;
    if (found === null || isForeign(found.ids, directory)) return noRoute(path);
    const { ids, route } = found;
    const { caller } = identified;
    const allowed = typeof route.needs === "string" || permits(caller, route.needs);
    return allowed ? route.answer(request, ids, caller) : notPermitted();
  };
}

/** Whether it names a zone or account that is not there; that this is 7003 too, and not 10000, is unverified. */
function isForeign(
  ids: Readonly<Record<string, string>>,
  { zones, accounts }: Gateway["directory"],
): boolean {
  const { zone, account } = { zone: ids["zone"], account: ids["account"] };
  return (
    (zone !== undefined && !zones.some(({ id }) => id === zone)) ||
    (account !== undefined && !accounts.some(({ id }) => id === account))
  );
}
