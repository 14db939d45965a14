import { expect, test } from "bun:test";
import { join } from "node:path";

const program = join(import.meta.dir, "../support/fake-cloudflare-server.ts");
const key = { "X-Auth-Email": "admin@example.com", "X-Auth-Key": "test-api-key-valid" };

/** The program under way; it is ended with SIGTERM and waited for. */
async function started(...options: readonly string[]) {
  const child = Bun.spawn([process.execPath, program, ...options], { stdout: "pipe", stderr: "pipe" });
  const { value = new Uint8Array() } = await child.stdout.getReader().read();
  const talk = child.stderr.text();
  const end = async () => {
    child.kill("SIGTERM");
    return { code: await child.exited, talk: await talk };
  };
  return {
    output: new TextDecoder().decode(value),
    end,
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}

test("the program prints its URL, serves its zones, logs its calls and ends on SIGTERM", async () => {
  await using server = await started("--zone", "example.net", "--verbose");
  expect(server.output).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/client\/v4\n$/);
  const answer = await fetch(`${server.output.trim()}/zones?name=example.net`, { headers: key });
  expect(await answer.json()).toMatchObject({ result: [{ name: "example.net" }] });
  const { code, talk } = await server.end();
  expect(code).toBe(0);
  expect(talk).toEndWith("GET /zones?name=example.net 200\n");
});

test("the program tells its state without a credential", async () => {
  await using server = await started();
  const url = server.output.trim();
  const body = JSON.stringify({ mode: "block", configuration: { target: "ip", value: "203.0.113.7" } });
  await fetch(`${url}/user/firewall/access_rules/rules`, { method: "POST", headers: key, body });
  const state = await (await fetch(new URL("/fake/state", url))).json();
  expect(state).toMatchObject({
    blocked: ["203.0.113.7"],
    rules: [{ mode: "block" }],
    calls: [{ status: 200 }],
  });
});

test("the program takes faults for some requests, and is healed", async () => {
  await using server = await started();
  const url = server.output.trim();
  const faults = new URL("/fake/faults", url);
  const fault = { kind: "status", status: 503, times: "forever", method: "GET", path: "/ips" };
  const status = async (path: string) => (await fetch(`${url}${path}`, { headers: key })).status;
  await fetch(faults, { method: "POST", body: JSON.stringify(fault) });
  expect([await status("/ips"), await status("/zones"), await status("/ips")]).toEqual([503, 200, 503]);
  await fetch(faults, { method: "DELETE" });
  expect(await status("/ips")).toBe(200);
});

test.each(["{", "null", '{"kind":"nonsense"}'])("the program refuses the fault %p", async (body) => {
  await using server = await started();
  const faults = new URL("/fake/faults", server.output.trim());
  expect((await fetch(faults, { method: "POST", body })).status).toBe(400);
});
