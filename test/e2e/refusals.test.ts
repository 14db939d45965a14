import { expect, setDefaultTimeout, test } from "bun:test";
import { binaryPath } from "../support/binary.ts";
import { binarySite } from "../support/binary-site.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { networkTest } from "../support/network.ts";
import { runProgram } from "../support/program.ts";
import type { Ended } from "../support/program.ts";

setDefaultTimeout(60_000);

test("bytes that are no text are refused as an address, and shown as text", async () => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  const script = `exec "$0" --config "$1" ban --jail sshd -- "$(printf '\\377\\033[2J')"`;
  const ended = await runProgram(["/bin/sh", "-c", script, await binaryPath(), site.configPath]);
  expect(ended).toMatchObject({ code: 2, stdout: "" });
  expect(ended.stderr).toMatch(/^fail2ban-cloudflare: Cannot read address [^\n]{1,500}\n$/);
  expect(ended.stderr).not.toContain("\u001b");
});

test.each([
  [["--preload", "x", "ban", "203.0.113.7", "--jail", "sshd"], 'Cannot run "--preload"'],
  [["--bun", "run", "x"], 'Cannot run "--bun"'],
  [["ban", "--jail", "sshd", "--", "--help"], 'Cannot read address "--help"'],
])("the binary refuses %j in one line", async (argv, says) => {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  const ended = await site.run(argv);
  expect(ended).toMatchObject({ code: 2, stdout: "" });
  expect(ended.stderr).toContain(says);
  expect(ended.stderr.trimEnd().split("\n")).toHaveLength(1);
});

/** What becomes of a ban in a network namespace with these addresses and routes. */
async function banAmong(lines: readonly string[], address: string): Promise<Ended> {
  await using edge = fakeCloudflare();
  await using site = binarySite(edge);
  const script = 'ip -batch - && exec "$0" --config "$1" ban --jail sshd -- "$2"';
  const command = ["unshare", "--net", "/bin/sh", "-c", script, await binaryPath(), site.configPath, address];
  return await runProgram(command, { stdin: `${["link set lo up", ...lines].join("\n")}\n` });
}

const own = ["address add 203.0.113.255/32 dev lo", "address add 2001:db8::200/128 dev lo nodad"];
/** More than a hook reads of the kernel's table before it comes to the machine's own address. */
const manyRoutes = ["192.0.2", "198.51.100", "203.0.113"].flatMap((network) =>
  Array.from({ length: 255 }, (_, last) =>
    [1, 2, 3].map((metric) => `route add ${network}.${last}/32 dev lo metric ${metric}`),
  ).flat(),
);
const manyAddresses = Array.from(
  { length: 1_300 },
  (_, index) => `address add 2001:db8:f::${index.toString(16)}/128 dev lo nodad`,
);

networkTest.each([
  ["its own address", own, "203.0.113.255"],
  ["its own IPv6 address", own, "2001:db8::200"],
  ["its own address among many routes", [...own, ...manyRoutes], "203.0.113.255"],
  ["its own address among many", [...manyAddresses, ...own], "2001:db8::200"],
])("a machine never blocks what is %s", async (_, lines, address) => {
  const { code, stderr } = await banAmong(lines, address);
  expect(stderr).toContain(`${address} is this machine's own address`);
  expect(code).toBe(2);
});

networkTest.each([
  ["only routed", "route add 203.0.113.0/28 dev lo"],
  ["local for a transparent proxy", "route add local 0.0.0.0/0 dev lo table 100"],
])("a machine blocks what is %s", async (_, line) => {
  expect(await banAmong([...own, line], "203.0.113.9")).toMatchObject({ code: 0, stderr: "" });
});
