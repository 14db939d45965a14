import { expect, test } from "bun:test";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { publishedRanges } from "../../src/cloudflare/ips.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { site } from "../support/site.ts";
import { until } from "../support/wait.ts";

/** Whoever answers in Cloudflare's place. */
function impostor(answer: (response: ServerResponse) => void) {
  const server = createServer((_, response) => answer(response)).listen(0, "127.0.0.1");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Cannot listen");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const start = '{"success":true,"result":"';
const zeros = Buffer.alloc(1 << 20, "0");

/** Sends for as long as somebody reads; tells when nobody does any more. */
function endless(response: ServerResponse): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.write(start);
  const more = (): void => {
    while (!response.destroyed && response.write(zeros));
  };
  response.on("drain", more);
  more();
}

/** A few hundred KiB on the wire, and 256 MiB where they are unpacked. */
const bomb = gzipSync(Buffer.concat([Buffer.from(start), Buffer.alloc(256 << 20, "0")]));
function packed(response: ServerResponse): void {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Encoding": "gzip" });
  response.end(bomb);
}

test.each([
  ["without an end", endless],
  ["that unpacks to 256 MiB", packed],
] as const)("an answer %s is not read to its end, and the ban waits for a better one", async (_, answer) => {
  await using edge = fakeCloudflare();
  await using other = impostor(answer);
  using web = site(edge, { config: { api_base: JSON.stringify(other.url) } });
  await web.run("ban 203.0.113.7 --jail sshd");
  const before = process.memoryUsage.rss();
  expect(await web.deliverOnce()).toMatchObject({ code: 5 });
  expect(web.log()).toContain("it has no end");
  expect(process.memoryUsage.rss() - before).toBeLessThan(200 << 20);
  web.configure({});
  await web.deliver();
  expect(edge.blocked()).toEqual(["203.0.113.7"]);
});

test.each([301, 302, 303, 307, 308])(
  "a redirect by %d is not followed: whoever it names gets neither the credential nor the address",
  async (status) => {
    let asked = 0;
    await using other = impostor((response) => {
      asked += 1;
      response.end('{"success":true,"result":[]}');
    });
    await using edge = fakeCloudflare();
    await using redirecting = impostor((response) => {
      response.writeHead(status, { Location: `${other.url}/client/v4/zones` });
      response.end();
    });
    using web = site(edge, { config: { api_base: JSON.stringify(redirecting.url) } });
    await web.run("ban 203.0.113.7 --jail sshd");
    expect(await web.deliverOnce()).toMatchObject({ code: 5 });
    expect(asked).toBe(0);
  },
);

test("ranges whose answer has no end, or breaks off, are no ranges", async () => {
  const ask = (url: string) => publishedRanges({ fetch, baseUrl: url, userAgent: "test" });
  await using everlasting = impostor(endless);
  await expect(ask(everlasting.url)).rejects.toMatchObject({ kind: "unavailable" });
  let cut = 0;
  await using broken = impostor((response) => {
    response.writeHead(200, { "Content-Length": "1000" });
    response.write(start, () => response.socket?.resetAndDestroy());
    cut += 1;
  });
  await expect(ask(broken.url)).rejects.toMatchObject({ kind: "unavailable" });
  await until(() => cut > 0, { what: "a request" });
});
