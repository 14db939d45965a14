import { expect, setDefaultTimeout, test } from "bun:test";
import { binaryPath, endCouriers, runBinary } from "../support/binary.ts";
import { authority, selfSigned } from "../support/certificates.ts";
import type { Certificate } from "../support/certificates.ts";
import { writeConfiguration } from "../support/configuration.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { runProgram } from "../support/program.ts";
import type { Ended } from "../support/program.ts";
import { tempRoot } from "../support/temp-root.ts";
import type { TempRoot } from "../support/temp-root.ts";
import { connectProxy, tlsFront } from "../support/tls-front.ts";
import type { TlsFront } from "../support/tls-front.ts";

setDefaultTimeout(60_000);

const address = "203.0.113.7";

interface Site extends AsyncDisposable {
  readonly root: TempRoot;
  readonly edge: FakeCloudflare;
  readonly front: TlsFront;
  /** A ban and one pass of a courier with this environment; how the pass ended. */
  ban(env?: Readonly<Record<string, string>>): Promise<Ended>;
}

/** A server whose Cloudflare speaks HTTPS with this certificate; `base` is what the configuration says of it. */
async function site(
  certificate: (root: TempRoot) => Promise<Certificate>,
  base: (front: TlsFront) => string = ({ port }) => `https://127.0.0.1:${port}/client/v4`,
): Promise<Site> {
  const root = tempRoot();
  const edge = fakeCloudflare();
  const front = tlsFront(await certificate(root), new URL(edge.url).origin);
  const config = writeConfiguration(root, edge, { apiBase: base(front) });
  return {
    root,
    edge,
    front,
    async ban(env = {}) {
      const run = (...words: readonly string[]) => runBinary(["--config", config, ...words], { env });
      await run("ban", address, "--jail", "test");
      await endCouriers(config);
      return run("deliver", "--once");
    },
    async [Symbol.asyncDispose]() {
      await endCouriers(config);
      front[Symbol.dispose]();
      await edge[Symbol.asyncDispose]();
      root[Symbol.dispose]();
    },
  };
}

const loopback = "127.0.0.1";

/** Shown to a client, none of these is Cloudflare. */
const impostors: readonly (readonly [string, string, (root: TempRoot) => Promise<Certificate>])[] = [
  ["for itself", "DEPTH_ZERO_SELF_SIGNED_CERT", (root) => selfSigned(root, loopback)],
  [
    "from an unknown authority",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    async (root) => (await authority(root, "unknown")).issue(loopback),
  ],
  [
    "for another host",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    async (root) => (await authority(root, "known")).issue("example.org"),
  ],
];

test.each(impostors)(
  "a certificate %s gets no request, and nothing switches that off",
  async (_, code, issue) => {
    await using own = await site(issue);
    const known = own.root.at("known.pem");
    for (const NODE_TLS_REJECT_UNAUTHORIZED of ["1", "0"]) {
      const ended = await own.ban({ NODE_TLS_REJECT_UNAUTHORIZED, SSL_CERT_FILE: known });
      expect(ended.code).toBe(5);
      expect(ended.stderr).toContain(code);
    }
    expect(own.front.requests).toEqual([]);
    expect(own.edge.blocked()).toEqual([]);
  },
);

test("a private authority is trusted when SSL_CERT_FILE names it", async () => {
  await using own = await site(async (root) => (await authority(root, "own")).issue(loopback));
  expect(await own.ban({ SSL_CERT_FILE: own.root.at("own.pem") })).toMatchObject({ code: 0 });
  expect(own.edge.blocked()).toEqual([address]);
});

test("a private authority is trusted when it is among the machine's own", async () => {
  await using own = await site(async (root) => (await authority(root, "own")).issue(loopback));
  // As update-ca-certificates leaves it, for this one process.
  const script = 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"';
  const ban = ["--config", own.root.at("config.toml"), "ban", address, "--jail", "test", "--wait"];
  const ended = await runProgram([
    ...["unshare", "--mount", "sh", "-c", script, own.root.at("own.pem")],
    ...[await binaryPath(), ...ban],
  ]);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(own.edge.blocked()).toEqual([address]);
});

test("calls go through the proxy of HTTPS_PROXY, which sees no secret", async () => {
  await using own = await site(
    async (root) => (await authority(root, "own")).issue("api.cloudflare.com"),
    () => "https://api.cloudflare.com/client/v4",
  );
  using proxy = connectProxy(own.front.port);
  const ended = await own.ban({ HTTPS_PROXY: proxy.url, SSL_CERT_FILE: own.root.at("own.pem") });
  expect(ended).toMatchObject({ code: 0 });
  expect(own.edge.blocked()).toEqual([address]);
  expect([...new Set(proxy.asked)]).toEqual(["CONNECT api.cloudflare.com:443 HTTP/1.1"]);
  expect(proxy.seen()).not.toContain(own.edge.token);
});

test("a proxy with a certificate of its own making gets no request", async () => {
  await using own = await site(
    (root) => selfSigned(root, "api.cloudflare.com"),
    () => "https://api.cloudflare.com/client/v4",
  );
  using proxy = connectProxy(own.front.port);
  expect((await own.ban({ HTTPS_PROXY: proxy.url })).code).toBe(5);
  expect(proxy.asked).not.toEqual([]);
  expect(own.front.requests).toEqual([]);
});
