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

const own = ["address add 198.51.100.200/32 dev lo", "address add 2001:db8::200/128 dev lo nodad"];
/** More than a hook reads of the kernel's table. */
const manyRoutes = Array.from(
  { length: 1_500 },
  (_, index) => `route add 198.51.${index >> 8}.${index & 255}/32 dev lo`,
);

networkTest.each([
  ["its own address", own, "198.51.100.200", "198.51.100.200"],
  ["its own IPv6 address", own, "2001:db8::200", "2001:db8::200"],
  [
    "of a network that it answers for",
    ["route add local 203.0.113.0/28 dev lo"],
    "203.0.113.9",
    "203.0.113.0/28",
  ],
  ["its own address among many routes", [...own, ...manyRoutes], "2001:db8::200", "2001:db8::200"],
])("a machine never blocks what is %s", async (_, lines, address, named) => {
  const { code, stderr } = await banAmong(lines, address);
  expect(stderr).toContain(`${named} is this machine's own address`);
  expect(code).toBe(2);
});

networkTest("a machine blocks what is only routed or near", async () => {
  expect(await banAmong([...own, "route add 203.0.113.0/28 dev lo"], "203.0.113.9")).toMatchObject({
    code: 0,
  });
  expect(await banAmong([...own, "route add local 203.0.113.0/28 dev lo"], "203.0.113.17")).toMatchObject({
    code: 0,
  });
});
