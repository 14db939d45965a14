import { expect, setDefaultTimeout } from "bun:test";
import { chmodSync, copyFileSync } from "node:fs";
import { commandTexts } from "../../src/cli.ts";
import { binaryPath, endCouriers } from "../support/binary.ts";
import { binarySite } from "../support/binary-site.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { dumpOf, pendingIn } from "../support/journal-file.ts";
import { needing } from "../support/needing.ts";
import { runProgram } from "../support/program.ts";
import { testRuntime } from "../support/runtime.ts";
import { tempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

setDefaultTimeout(60_000);

const rootTest = needing(process.getuid?.() === 0 ? null : "needs root");

/** Command lines that the commands' own examples give, and what a stranger would rather try. */
const examples = (await commandTexts({ runtime: testRuntime(), configPath: "/nonexistent" }))
  .flatMap((command) => command.examples)
  .map((line) => (line.split(/ [|>]|\\\n/)[0] ?? "").split(" "));
const sly = [
  "ban 203.0.113.9 --jail sshd --wait",
  "unban 203.0.113.1 --jail sshd --wait",
  "flush --jail sshd --family inet4",
  "stop --jail sshd",
  "deliver --once",
  "sync --adopt",
  "uninstall --purge",
].map((line) => line.split(" "));

rootTest(
  "another user of the machine learns nothing from the program and changes nothing with it",
  async () => {
    await using edge = fakeCloudflare();
    await using site = binarySite(edge);
    const { root } = site;
    await site.run(["ban", "203.0.113.1", "--jail", "sshd", "--wait"]);
    await until(() => pendingIn(site.journalPath) === 0, { what: site.log });
    await endCouriers(site.configPath);
    const program = root.at("usr/local/bin/fail2ban-cloudflare");
    root.write("usr/local/bin/fail2ban-cloudflare", "");
    copyFileSync(await binaryPath(), program);
    for (const path of ["", "usr", "usr/local", "usr/local/bin", "etc", "var", "var/lib"])
      chmodSync(root.at(path), 0o755);
    chmodSync(program, 0o755);
    chmodSync(root.at("etc/fail2ban-cloudflare"), 0o700);
    const [journal, files] = [dumpOf(site.journalPath), root.tree()];
    const calls = edge.calls.length;
    using own = tempRoot();
    chmodSync(own.path, 0o777);

    for (const words of [...examples, ...sly]) {
      const { code, stdout, stderr } = await runProgram(
        [
          ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "--"],
          ...[program, "--config", site.configPath, ...words],
        ],
        { env: { HOME: own.path, PATH: "/usr/bin:/bin" }, cwd: own.path },
      );
      expect({ words, documented: [0, 2, 3, 4, 5].includes(code), stderr }).toMatchObject({
        documented: true,
      });
      expect(`${stdout}${stderr}`).not.toContain(edge.token);
      expect(`${stdout}${stderr}`).not.toContain("203.0.113.1 ");
      expect(stderr).not.toContain("\n    at ");
    }
    expect(root.tree()).toEqual(files);
    expect(dumpOf(site.journalPath)).toBe(journal);
    expect(edge.calls.length).toBe(calls);
    expect(edge.blocked()).toEqual(["203.0.113.1"]);
  },
);
