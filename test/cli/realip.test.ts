import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { cloudflareRanges } from "../../src/core/guard.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { mustRun, runProgram, startProgram } from "../support/program.ts";
import { until } from "../support/wait.ts";
import { webMachine } from "../support/web-machine.ts";

// Real programs on a busy machine.
setDefaultTimeout(60_000);

const path = "/etc/nginx/conf.d/cloudflare-realip.conf";

const hint = "mend it with: fail2ban-cloudflare realip --write /etc/nginx/conf.d/cloudflare-realip.conf";

test("realip prints every range of Cloudflare and the header", async () => {
  using web = await webMachine();
  const { stdout } = await web.run("realip");
  expect(stdout.match(/^set_real_ip_from \S+;$/gm)).toHaveLength(cloudflareRanges.length);
  expect(stdout).toEndWith("\nreal_ip_header CF-Connecting-IP;");
});

test("realip --write has the real nginx take its file, and --check finds nothing to say any more", async () => {
  using web = await webMachine();
  expect(await web.run("realip", "--check")).toEqual({
    code: 3,
    stdout: "nginx sets no set_real_ip_from: it takes Cloudflare for the visitor",
    stderr: hint,
  });
  expect(await web.run("realip", "--write", path)).toEqual({
    code: 0,
    stdout: `+ ${path}`,
    stderr: "written; next: nginx -s reload",
  });
  expect(web.tree("etc/nginx/conf.d")["cloudflare-realip.conf"]).toStartWith("644 ");
  expect(await web.run("realip", "--check")).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(await web.run("realip", "--write", path)).toEqual({ code: 0, stdout: `= ${path}`, stderr: "" });
});

test("what realip prints may be put into the file by hand, and is known as ours", async () => {
  using web = await webMachine();
  web.write(path, `${(await web.run("realip")).stdout}\n`);
  expect(await web.run("realip", "--write", path)).toMatchObject({ code: 0, stdout: `= ${path}` });
});

test("nginx with the file knows the visitor whom Cloudflare names, and believes nobody else", async () => {
  await using edge = fakeCloudflare({ contract: "off" });
  edge.ranges = { ...edge.ranges, ipv4: ["127.0.0.0/8"] };
  using web = await webMachine({ fetch });
  web.write("etc/fail2ban-cloudflare/config.toml", `api_base = "${edge.url}"\n`);
  const socket = web.at("nginx.sock");
  const port = await freePort();
  web.write(
    "etc/nginx/conf.d/default.conf",
    `server { listen 127.0.0.1:${port}; listen unix:${socket}; location / { return 200 "$remote_addr"; } }\n`,
  );
  expect(await web.run("realip", "--refresh", "--write", path)).toMatchObject({ code: 0 });
  const server = startProgram([web.at("usr/sbin/nginx"), "-g", "daemon off;"], web.at("output"));
  try {
    await until(() => existsSync(socket), { what: () => `nginx: ${server.output()}` });
    const header = ["--silent", "--noproxy", "*", "--header", "CF-Connecting-IP: 203.0.113.9"];
    const ask = async (...args: string[]) => (await runProgram(["curl", ...header, ...args])).stdout;
    expect(await ask(`http://127.0.0.1:${port}/`)).toBe("203.0.113.9");
    expect(await ask("--unix-socket", socket, "http://localhost/")).toBe("unix:");
  } finally {
    await server.end("SIGTERM");
  }
});

test.each([
  [
    "what stands elsewhere already",
    { "conf.d/other.conf": "real_ip_header X-Forwarded-For;\n" },
    /^nginx refuses its configuration: nginx: \[emerg\] "real_ip_header" directive is duplicate .*; everything is as it was before \(see: .*nginx -t\)$/,
  ],
  [
    "a directory that it does not read",
    { "sites/other.conf": "" },
    /^Cannot use ".*sites\/cloudflare.conf": nginx does not read it; everything is as it was before \(choose a file that nginx.conf includes, or add: include .*;\)$/,
  ],
  [
    "a configuration that was broken before",
    { "conf.d/broken.conf": "nonsense;\n" },
    /^nginx refuses its configuration: nginx: \[emerg\] unknown directive "nonsense" in \S+:1 \(see: .*nginx -t\)$/,
  ],
])("realip --write changes nothing where nginx has %s", async (_, files, says) => {
  using web = await webMachine();
  for (const [name, text] of Object.entries(files)) web.write(`etc/nginx/${name}`, text);
  const before = web.tree("etc");
  const target = "sites/other.conf" in files ? "/etc/nginx/sites/cloudflare.conf" : path;
  const { code, stdout, stderr } = await web.run("realip", "--write", target);
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
  expect(stderr.replace("fail2ban-cloudflare: ", "")).toMatch(says);
  expect(web.tree("etc")).toEqual(before);
});

test("realip --write leaves a file that is not ours, or was edited, unless it is told; and keeps it then", async () => {
  using web = await webMachine();
  web.write(path, "set_real_ip_from 192.0.2.1;\n");
  const refused = await web.run("realip", "--write", path);
  expect(refused).toMatchObject({ code: 3, stdout: "" });
  expect(refused.stderr).toContain(`Cannot replace "${path}": this program did not write it (--force`);
  expect(await web.run("realip", "--write", path, "--force")).toMatchObject({ code: 0, stdout: `~ ${path}` });
  expect(web.read(`${path}.bak`)).toBe("set_real_ip_from 192.0.2.1;\n");
  web.write(path, `${web.read(path)}# mine\n`);
  const edited = await web.run("realip", "--write", path);
  expect(edited.stderr).toContain(`Cannot replace "${path}": it was edited (--force`);
  expect(await web.run("realip", "--write", path, "--force")).toMatchObject({ code: 0 });
  expect(web.read(`${path}.bak.1`)).toEndWith("# mine\n");
});

const all = cloudflareRanges.map((range) => `set_real_ip_from ${range};`).join("\n");

test.each([
  ["the header that Cloudflare appends to", `${all}\nreal_ip_header X-Forwarded-For;`, []],
  [
    "wider networks around them",
    "set_real_ip_from 0.0.0.0/1; set_real_ip_from 128.0.0.0/1; set_real_ip_from 2000::/3; real_ip_header 'cf-connecting-ip';",
    [],
  ],
  [
    "all but two ranges",
    `${all.replace(/^.*(104.16.0.0|2400:cb00::).*\n/gm, "")}\nreal_ip_header CF-Connecting-IP;`,
    [
      `http in "/etc/nginx/nginx.conf" line 4: set_real_ip_from lacks 104.16.0.0/13`,
      `http in "/etc/nginx/nginx.conf" line 4: set_real_ip_from lacks 2400:cb00::/32`,
    ],
  ],
  [
    "no header of its own",
    all,
    [`http in "/etc/nginx/nginx.conf" line 4: real_ip_header is X-Real-IP, not CF-Connecting-IP`],
  ],
  [
    "everybody trusted",
    "set_real_ip_from 0.0.0.0/0; set_real_ip_from ::/0; real_ip_header CF-Connecting-IP;",
    [
      `http in "/etc/nginx/nginx.conf" line 4: set_real_ip_from 0.0.0.0/0 has every visitor name the address that it likes`,
      `http in "/etc/nginx/nginx.conf" line 4: set_real_ip_from ::/0 has every visitor name the address that it likes`,
    ],
  ],
  [
    "a server that sets its own in place of the right ones",
    `${all}\nreal_ip_header CF-Connecting-IP;\nserver { listen 127.0.0.1:2; # { not a block\n location / { set_real_ip_from ${cloudflareRanges[0]}; } }`,
    cloudflareRanges
      .slice(1)
      .map(
        (range) => `location / in "/etc/nginx/conf.d/realip.conf" line 25: set_real_ip_from lacks ${range}`,
      ),
  ],
  [
    "everything in one server alone",
    `server { listen 127.0.0.1:2; server_name "a;b{c"; ${all}\nreal_ip_header CF-Connecting-IP; }`,
    [],
  ],
])("realip --check judges the real nginx with %s", async (_, text, findings) => {
  using web = await webMachine();
  web.write("etc/nginx/conf.d/realip.conf", `${text}\n`);
  expect(await web.run("realip", "--check")).toEqual({
    code: findings.length === 0 ? 0 : 3,
    stdout: findings.join("\n"),
    stderr: findings.length === 0 ? "" : hint,
  });
});

test("realip --apache --write has the real Apache take its file, and is undone when it does not", async () => {
  using web = await webMachine();
  const file = "/etc/apache2/conf.d/cloudflare.conf";
  expect(await web.run("realip", "--apache", "--write", file)).toEqual({
    code: 0,
    stdout: `+ ${file}`,
    stderr: "written; next: apachectl graceful",
  });
  const text = web.read(file);
  expect(text.match(/^RemoteIPTrustedProxy \S+$/gm)).toHaveLength(cloudflareRanges.length);
  expect(text).toContain("\nRemoteIPHeader CF-Connecting-IP\n");
  web.write(file, text.replace("RemoteIPHeader", "RemoteIPHeader # edited"));
  web.write(
    "etc/apache2/apache2.conf",
    web.read("etc/apache2/apache2.conf").replace(/^LoadModule remoteip.*\n/m, ""),
  );
  const before = web.tree("etc");
  const refused = await web.run("realip", "--apache", "--write", file, "--force");
  expect(refused).toMatchObject({ code: 3, stdout: "" });
  expect(refused.stderr).toMatch(
    /^fail2ban-cloudflare: Apache refuses its configuration: .*[Ss]yntax error on line \d+ of .*cloudflare.conf/,
  );
  expect(web.tree("etc")).toEqual(before);
});

test.each([
  [["--check", "--write", path], 2, 'Cannot run realip with "--check" and "--write"'],
  [["--check", "--apache"], 2, 'Cannot run realip with "--check" and "--apache"'],
  [["--write", "realip.conf"], 2, 'Cannot write "realip.conf": not an absolute path'],
  [
    ["--write", "/etc/nginx/no/realip.conf"],
    2,
    'Cannot write "/etc/nginx/no/realip.conf": there is no such directory',
  ],
  [["--write", "/etc/nginx/conf.d"], 3, 'Cannot replace "/etc/nginx/conf.d": it is a directory'],
] as const)("realip %j is refused with a remedy", async (args, code, says) => {
  using web = await webMachine();
  const ended = await web.run("realip", ...args);
  expect(ended).toMatchObject({ code, stdout: "" });
  expect(ended.stderr).toContain(says);
});

test("without nginx on the machine, realip says what it can do still", async () => {
  using web = await webMachine();
  Bun.spawnSync(["rm", "-r", web.at("usr/sbin")]);
  const ended = await web.run("realip", "--check");
  expect(ended).toMatchObject({ code: 5, stdout: "" });
  expect(ended.stderr).toContain("Cannot find nginx");
});

test("realip --refresh takes what Cloudflare publishes today, without a credential", async () => {
  await using edge = fakeCloudflare();
  using web = await webMachine({ fetch });
  web.write("etc/fail2ban-cloudflare/config.toml", `api_base = "${edge.url}"\n`);
  const { code, stdout } = await web.run("realip", "--refresh");
  expect(code).toBe(0);
  const ranges = [...edge.ranges.ipv4, ...edge.ranges.ipv6];
  const printed = stdout.split("\n").filter((line) => line.startsWith("set_real_ip_from"));
  expect(printed).toEqual(ranges.map((range) => `set_real_ip_from ${range};`));
  expect(edge.calls.map(({ method, path, authorization }) => ({ method, path, authorization }))).toEqual([
    { method: "GET", path: "/ips", authorization: "none" },
  ]);
});

const v6 = ["2001:db8::/32"];

test.each([
  ["a page of HTML", { kind: "html", status: 503 }, "the answer is not what it should be"],
  ["an error", { kind: "status", status: 403, code: 10000, message: "no" }, "no (10000)"],
  ["a cut answer", { kind: "truncated" }, "the answer is not what it should be"],
  ["a redirect", { kind: "status", status: 302, headers: { Location: "/elsewhere" } }, "UnexpectedRedirect"],
  ["a reset connection", { kind: "reset" }, "ECONNRESET"],
  ["no result", { kind: "nullResult" }, "it names none of family inet4"],
  ["no range of one family", { ipv4: ["192.0.2.0/24"], ipv6: [] }, "it names none of family inet6"],
  ["everything", { ipv4: ["192.0.2.0/24", "0.0.0.0/0"], ipv6: v6 }, '"0.0.0.0/0" is no range of Cloudflare'],
  ["an address", { ipv4: ["192.0.2.1"], ipv6: v6 }, '"192.0.2.1" is no range of Cloudflare'],
  ["a name", { ipv4: ["example.com/24"], ipv6: v6 }, '"example.com/24" is no range of Cloudflare'],
  ["a directive", { ipv4: ["192.0.2.0/24; include /etc/passwd"], ipv6: v6 }, "is no range of Cloudflare"],
  ["the other family", { ipv4: v6, ipv6: v6 }, '"2001:db8::/32" is no range of Cloudflare'],
] as const)("realip --refresh does not believe %s, and writes nothing", async (_, answer, says) => {
  await using edge = fakeCloudflare({ contract: "off" });
  using web = await webMachine({ fetch });
  web.write("etc/fail2ban-cloudflare/config.toml", `api_base = "${edge.url}"\n`);
  if ("kind" in answer) edge.fail(answer, { times: Infinity });
  else edge.ranges = answer;
  const ended = await web.run("realip", "--refresh", "--write", path);
  expect(ended).toMatchObject({ code: 5, stdout: "" });
  expect(ended.stderr).toContain(`Cannot use Cloudflare's ranges from "${edge.url}/ips": `);
  expect(ended.stderr).toContain(says);
  expect(existsSync(web.at(path))).toBe(false);
});

test("realip --refresh does not believe a server that cannot prove its name", async () => {
  using web = await webMachine({ fetch });
  const [key, cert] = [web.at("key.pem"), web.at("cert.pem")];
  const certificate = [
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "1",
  ];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  await mustRun(["openssl", "req", ...certificate, ...names, "-keyout", key, "-out", cert]);
  let asked = 0;
  await using server = Bun.serve({
    port: 0,
    tls: { key: Bun.file(key), cert: Bun.file(cert) },
    fetch: () => Response.json({ success: true, asked: (asked += 1) }),
  });
  web.write("etc/fail2ban-cloudflare/config.toml", `api_base = "https://localhost:${server.port}"\n`);
  const ended = await web.run("realip", "--refresh");
  expect(ended).toMatchObject({ code: 5, stdout: "" });
  expect(ended.stderr).toContain("DEPTH_ZERO_SELF_SIGNED_CERT");
  expect(asked).toBe(0);
});

async function freePort(): Promise<number> {
  await using server = Bun.serve({ port: 0, fetch: () => new Response() });
  return server.port ?? 0;
}
