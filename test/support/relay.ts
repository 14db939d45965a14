/**
 * Hands connections on: as a program, `bun relay.ts PORT SOCKET` from a port of loopback to a unix socket, which is the
 * same in every network namespace. It says "ready" and ends on SIGTERM.
 */
import { connect, createServer } from "node:net";
import type { NetConnectOpts, Socket } from "node:net";

export interface Relay extends AsyncDisposable {}

export async function relay(
  from: { readonly port: number } | { readonly path: string },
  to: NetConnectOpts,
): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((here) => {
    const there = connect(to);
    for (const [socket, other] of [
      [here, there],
      [there, here],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if ("path" in from) server.listen(from.path, resolve);
    else server.listen(from.port, "127.0.0.1", resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

if (import.meta.main) {
  const [port = "", path = ""] = process.argv.slice(2);
  const running = await relay({ port: Number(port) }, { path });
  process.once("SIGTERM", () => void running[Symbol.asyncDispose]().then(() => process.exit(0)));
  console.log("ready");
}
