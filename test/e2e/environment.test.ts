import { expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync } from "node:fs";
import { binaryPath } from "../support/binary.ts";
import { binarySite } from "../support/binary-site.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { networkTest } from "../support/network.ts";
import { runProgram, systemPath } from "../support/program.ts";
import { jail, protectedSite } from "../support/protected-site.ts";
import { certificate, proxy, tlsFront } from "../support/tls.ts";

setDefaultTimeout(60_000);

const ban = ["ban", "203.0.113.7", "--jail", "sshd"];

test("NODE_OPTIONS is not read", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  site.root.write(
    "code.cjs",
    `require("node:fs").writeFileSync(${JSON.stringify(site.root.at("ran"))}, "");\n`,
  );
  const env = { NODE_OPTIONS: `--require=${site.root.at("code.cjs")}` };
  expect(await site.run([...ban, "--wait"], { env })).toMatchObject({ code: 0, stderr: "" });
  expect(existsSync(site.root.at("ran"))).toBe(false);
});

networkTest("the action's hooks work though fail2ban was started with Bun's own variables", async () => {
  await using edge = fakeCloudflare();
  const env = { PATH: systemPath, BUN_BE_BUN: "1", BUN_OPTIONS: "--version" };
  await using site = await protectedSite(edge, { env });
  await site.fail2ban.start();
  await site.fail2ban.banip(jail, "198.51.100.7");
  await site.blockedEverywhere("198.51.100.7");
  await site.fail2ban.unbanip(jail, "198.51.100.7");
  await site.blockedEverywhere();
});

test.each([
  ["an unknown certificate is refused", () => ({}), 5],
  ["NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing", () => ({ NODE_TLS_REJECT_UNAUTHORIZED: "0" }), 5],
  ["SSL_CERT_FILE adds an authority", (path: string) => ({ SSL_CERT_FILE: path }), 0],
  ["NODE_EXTRA_CA_CERTS adds an authority", (path: string) => ({ NODE_EXTRA_CA_CERTS: path }), 0],
])("TLS: %s", async (_, environment, code) => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  const own = await certificate(site.root);
  await using front = tlsFront(edge, own);
  site.configure({ api_base: JSON.stringify(front.url) });
  const ended = await site.run(["sync", "--dry-run"], { env: environment(own.certPath) });
  expect(ended.code).toBe(code);
  expect(edge.calls.length > 0).toBe(code === 0);
});

networkTest("TLS: an authority that the system trusts is trusted", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  const own = await certificate(site.root);
  await using front = tlsFront(edge, own);
  site.configure({ api_base: JSON.stringify(front.url) });
  site.root.write("certs/ca-certificates.crt", "");
  copyFileSync(own.certPath, site.root.at("certs/ca-certificates.crt"));
  const script = 'mount --bind "$0" /etc/ssl/certs && exec "$@"';
  const command = [await binaryPath(), "--config", site.configPath, "sync", "--dry-run"];
  const ended = await runProgram([
    "unshare",
    "--mount",
    "sh",
    "-c",
    script,
    site.root.at("certs"),
    ...command,
  ]);
  expect(ended).toMatchObject({
    code: 0,
    stdout: "= journal: nothing differs from fail2ban\n= zone example.com: nothing differs\n",
  });
});

test.each(["HTTPS_PROXY", "ALL_PROXY"])(
  "%s is used, and sees neither the credential nor the address",
  async (variable) => {
    await using edge = fakeCloudflare();
    await using site = binarySite(edge);
    const own = await certificate(site.root);
    await using front = tlsFront(edge, own);
    await using company = proxy();
    site.configure({ api_base: JSON.stringify(front.url) });
    const env = { SSL_CERT_FILE: own.certPath, [variable]: company.url };
    expect(await site.run([...ban, "--wait"], { env })).toMatchObject({ code: 0 });
    expect(edge.blocked()).toEqual(["203.0.113.7"]);
    expect(new Set(company.targets)).toEqual(new Set([`127.0.0.1:${front.port}`]));
    expect(company.seen().length).toBeGreaterThan(0);
    expect(company.seen()).not.toContain(edge.token);
    expect(company.seen()).not.toContain("203.0.113.7");

    const before = company.targets.length;
    const direct = { ...env, NO_PROXY: "127.0.0.1" };
    expect(await site.run(["sync"], { env: direct })).toMatchObject({ code: 0 });
    expect(company.targets.length).toBe(before);
  },
);

test.each(["1", "curl"])("BUN_CONFIG_VERBOSE_FETCH=%s prints no request", async (value) => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge, {
    config: {
      api_token_file: null,
      email: JSON.stringify("admin@example.com"),
      api_key: '"test-api-key-valid"',
      zones: null,
    },
  });
  const { code, stdout, stderr } = await site.run(["sync"], { env: { BUN_CONFIG_VERBOSE_FETCH: value } });
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: "= journal: nothing differs from fail2ban\n= user: nothing differs\n",
    stderr: "",
  });
});
