import type { Socket } from "bun";
import type { Certificate } from "./certificates.ts";

export interface TlsFront extends Disposable {
  readonly port: number;
  /** Requests that got through the handshake. */
  readonly requests: readonly string[];
}

/** HTTPS on loopback before a server that speaks plain HTTP. */
export function tlsFront(certificate: Certificate, origin: string): TlsFront {
  const requests: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: certificate,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      requests.push(`${request.method} ${pathname}`);
      const { method, headers } = request;
      const body = method === "GET" ? {} : { body: await request.text() };
      const answer = await fetch(`${origin}${pathname}${search}`, { method, headers, ...body });
      return new Response(await answer.text(), { status: answer.status, headers: answer.headers });
    },
  });
  return {
    port: server.port ?? 0,
    requests,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

export interface Proxy extends Disposable {
  readonly url: string;
  /** What clients asked to be connected with. */
  readonly asked: readonly string[];
  /** All that went through it, in either direction. */
  seen(): string;
}

interface Tunnel {
  far: Socket | null;
  readonly waiting: Buffer[];
}

/** An HTTP proxy on loopback that connects every client with one port, whatever host it asks for. */
export function connectProxy(port: number): Proxy {
  const asked: string[] = [];
  const seen: Buffer[] = [];
  const server = Bun.listen<Tunnel>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(near) {
        near.data = { far: null, waiting: [] };
      },
      async data(near, chunk) {
        seen.push(Buffer.from(chunk));
        if (near.data.far !== null) return void near.data.far.write(chunk);
        near.data.waiting.push(Buffer.from(chunk));
        const request = Buffer.concat(near.data.waiting).toString("latin1");
        if (!request.includes("\r\n\r\n")) return;
        asked.push(request.slice(0, request.indexOf("\r\n")));
        near.data.far = await Bun.connect({
          hostname: "127.0.0.1",
          port,
          socket: {
            data(_, bytes) {
              seen.push(Buffer.from(bytes));
              near.write(bytes);
            },
            close: () => void near.end(),
          },
        });
        near.write("HTTP/1.1 200 Connection established\r\n\r\n");
      },
      close: (near) => void near.data.far?.end(),
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    seen: () => Buffer.concat(seen).toString("latin1"),
    [Symbol.dispose]: () => server.stop(true),
  };
}
