/**
 * The fake Cloudflare as a program: `bun fake-cloudflare-server.ts [--port N] [--zone NAME]... [--verbose]`.
 * Prints its URL when it is ready and ends on SIGTERM or SIGINT. Outside the API's base, and without a credential:
 * `GET /fake/state`; `POST /fake/faults` takes a fault with `times` (a number or "forever"), `method` and `path`
 * (a part of it) to choose the requests; `DELETE /fake/faults` heals.
 */
import { parseArgs } from "node:util";
import type { Answer, ApiRequest } from "./cloudflare/answer.ts";
import { noRoute } from "./cloudflare/answer.ts";
import type { Fault } from "./cloudflare/faults.ts";
import { faultKinds } from "./cloudflare/faults.ts";
import { fakeCloudflare } from "./fake-cloudflare.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    zone: { type: "string", multiple: true, default: ["example.com"] },
    verbose: { type: "boolean", default: false },
  },
});

const edge = fakeCloudflare({
  port: Number(values.port),
  zones: values.zone.map((name) => ({ name })),
  outside: control,
  log({ method, path, query, status }) {
    const search = new URLSearchParams(query).toString();
    if (values.verbose) console.error(`${method} ${path}${search && `?${search}`} ${status ?? "unanswered"}`);
  },
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void edge[Symbol.asyncDispose]().then(() => process.exit(0)));
}
console.log(edge.url);

/** What a script may ask and order beside the API. */
function control(request: ApiRequest): Answer {
  const { method, path } = request;
  if (method === "GET" && path === "/fake/state") {
    const { calls, violations } = edge;
    const lists = Object.fromEntries(edge.lists.names().map((name) => [name, edge.lists.items(name)]));
    const body = { blocked: edge.blocked(), rules: edge.rules(), lists, calls, violations };
    return { status: 200, body };
  }
  if (method === "POST" && path === "/fake/faults") return addFault(request.body);
  if (method === "DELETE" && path === "/fake/faults") {
    edge.heal();
    return { status: 200, body: { healed: true } };
  }
  return noRoute(path);
}

function addFault(body: string): Answer {
  let order: Fault & {
    readonly times?: number | "forever";
    readonly method?: string;
    readonly path?: string;
  };
  try {
    order = JSON.parse(body);
  } catch {
    return { status: 400, body: { error: "not JSON" } };
  }
  if (!faultKinds.includes(order?.kind))
    return { status: 400, body: { error: `kind is none of ${faultKinds.join(", ")}` } };
  const { times = 1, method, path, ...fault } = order;
  edge.fail(fault, {
    times: times === "forever" ? Infinity : times,
    when: (request) => (method ?? request.method) === request.method && request.path.includes(path ?? ""),
  });
  return { status: 200, body: { added: fault } };
}
