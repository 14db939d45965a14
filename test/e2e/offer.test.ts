import { expect } from "bun:test";
import { statSync } from "node:fs";
import { binaryPath } from "../support/binary.ts";
import { needing } from "../support/needing.ts";
import { systemPath } from "../support/program.ts";
import { tempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

const action = "etc/fail2ban/action.d/cloudflare.conf";
const question = "Copy them into our configuration";

needing(Bun.which("script") === null ? "needs script, of bsdutils" : null).each([
  ["y", true],
  ["n", false],
])("a person at a terminal who answers %j is obeyed, and sees no secret", async (answer, taken) => {
  using root = tempRoot();
  root.write(action, "[Definition]\n[Init]\ncfuser = me@example.com\ncftoken = marker-secret\n");
  const command = `stty cols 150 rows 40; ${await binaryPath()} install --no-jail --root ${root.path}`;
  // It gives the program a terminal of its own.
  const terminal = Bun.spawn(["script", "-qefc", command, "/dev/null"], {
    env: { PATH: systemPath, TERM: "xterm" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  let shown = "";
  const reading = (async () => {
    for await (const chunk of terminal.stdout) shown += new TextDecoder().decode(chunk);
  })();
  await until(() => shown.includes(question), { deadlineMs: 30_000, what: () => `the question: ${shown}` });
  terminal.stdin.write(answer);
  await terminal.stdin.flush();
  await until(() => terminal.exitCode !== null, { deadlineMs: 30_000, what: () => `the end: ${shown}` });
  await reading;
  expect(terminal.exitCode).toBe(0);
  expect(shown).toContain("the API key of me@example.com for the user's own rules");
  expect(shown).not.toContain("marker");
  expect(root.read("etc/fail2ban-cloudflare/config.toml").includes("marker-secret")).toBe(taken);
  expect(statSync(root.at(`${action}.bak`)).mode & 0o077).toBe(taken ? 0 : 0o044);
});
