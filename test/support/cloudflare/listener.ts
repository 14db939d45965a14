import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Answer, ApiRequest } from "./answer.ts";

/** What becomes of a request: an answer, a reset connection, or nothing at all. */
export type Reaction = Answer | "reset" | "hang";

export interface Listener extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves HTTP on loopback; ends every connection when disposed.
 * It is node:http and not Bun.serve, which has no way to reset a connection (RST) in place of an answer.
 */
export function listen(port: number, react: (request: ApiRequest) => Promise<Reaction>): Listener {
  const server = createServer((incoming, response) => {
    serve(incoming, response, react).catch((error: unknown) => {
      // A client that went away is no news; anything else is a bug of the fake or of a hook.
      if (!incoming.socket.destroyed) console.error(error);
      incoming.socket.resetAndDestroy();
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(port, "127.0.0.1");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`Cannot listen on port ${port}`);
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  react: (request: ApiRequest) => Promise<Reaction>,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
  const reaction = await react({
    method: incoming.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers,
    body: Buffer.concat(chunks).toString(),
  });
  if (reaction === "hang") return;
  if (reaction === "reset") return void incoming.socket.resetAndDestroy();
  const body = typeof reaction.body === "string" ? reaction.body : JSON.stringify(reaction.body);
  response.writeHead(reaction.status, {
    "Content-Type": "application/json",
    ...reaction.headers,
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}
