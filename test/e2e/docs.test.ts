import { expect } from "bun:test";
import { documentedCommands } from "../support/docs/blocks.ts";
import { excuses } from "../support/docs/excuses.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { networkTest } from "../support/network.ts";
import { privateMachine } from "../support/private-machine.ts";

/** What stands for something of the reader's own. */
const placeholders: Readonly<Record<string, string>> = {
  FILE: "/run/given-token",
  JAIL: "nginx-limit-req",
};

/** Finds fault with a server that is not quite one. */
const mayFind: readonly string[] = ["fail2ban-cloudflare doctor"];

networkTest(
  "every command of the documentation is run, one after another, or has its excuse",
  async () => {
    await using edge = fakeCloudflare({ zones: [{ name: "example.com" }, { name: "example.net" }] });
    await using machine = await privateMachine();
    machine.write("/run/given-token", edge.token, 0o600);
    machine.write("/etc/fail2ban-cloudflare/config.toml", `api_base = "${edge.url}"\n`, 0o600);
    machine.write("/var/lib/prometheus/node-exporter/.keep", "");
    await machine.startFail2ban();
    await machine.must("nginx");
    try {
      const run = documentedCommands.filter(({ command }) => excuses[command] === undefined);
      expect(run.length).toBeGreaterThan(12);
      for (const { page, line, command } of run) {
        const words = command.replace(/\b[A-Z]+\b/g, (word) => placeholders[word] ?? word);
        const { code, stdout, stderr } = await machine.shell(words);
        const ended = { page, line, command, stdout, stderr, code };
        expect(ended).toMatchObject({ code: mayFind.includes(command) && code === 3 ? 3 : 0 });
      }
    } finally {
      await machine.must("nginx", "-s", "stop");
    }
  },
  180_000,
);
