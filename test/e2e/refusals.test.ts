import { expect, setDefaultTimeout, test } from "bun:test";
import { binaryPath } from "../support/binary.ts";
import { binarySite } from "../support/binary-site.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { runProgram } from "../support/program.ts";

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
