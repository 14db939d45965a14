import { createServer } from "node:http";
import { connect } from "node:net";
import type { FakeCloudflare } from "./fake-cloudflare.ts";
import { mustRun } from "./program.ts";
import type { TempRoot } from "./temp-root.ts";

/** A certificate for 127.0.0.1 that is its own authority. */
export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
}

export async function certificate(root: TempRoot): Promise<Certificate> {
  const [certPath, keyPath] = [root.at("authority.pem"), root.at("key.pem")];
  const subject = ["-subj", "/CN=Test", "-addext", "subjectAltName=IP:127.0.0.1"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyPath];
  await mustRun(["openssl", "req", "-x509", "-days", "2", ...subject, ...key, "-out", certPath]);
  return { certPath, keyPath };
}

/** The fake behind TLS, as Cloudflare is. */
export function tlsFront(
  edge: Pick<FakeCloudflare, "url">,
  { certPath, keyPath }: Certificate,
): { readonly url: string; readonly port: number } & AsyncDisposable {
  const origin = new URL(edge.url);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: Bun.file(certPath), key: Bun.file(keyPath) },
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      const { method, headers, body } = request;
      return fetch(new URL(`${pathname}${search}`, origin), { method, headers, body });
    },
  });
  const port = Number(server.port);
  return {
    port,
    url: `https://127.0.0.1:${port}${origin.pathname}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** A proxy as companies have it: it passes on what is tunnelled through it, and keeps a copy. */
export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** What it was asked to connect to. */
  readonly targets: readonly string[];
  /** What clients have sent through it. */
  seen(): string;
}

export function proxy(): Proxy {
  const targets: string[] = [];
  const seen: Buffer[] = [];
  const server = createServer();
  server.on("connect", (request, client, head) => {
    const target = request.url ?? "";
    targets.push(target);
    const [host = "", port = ""] = target.split(":");
    const upstream = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      client.on("data", (chunk: Buffer) => seen.push(chunk));
      client.pipe(upstream).pipe(client);
    });
    for (const socket of [client, upstream]) {
      socket.on("error", () => {});
      socket.on("close", () => [client, upstream].forEach((each) => each.destroy()));
    }
  });
  server.listen(0, "127.0.0.1");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Cannot listen");
  return {
    url: `http://127.0.0.1:${address.port}`,
    targets,
    seen: () => Buffer.concat(seen).toString("latin1"),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
