import { expect } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { documentedFile, documentedFiles } from "../support/docs/files.ts";
import { networkTest } from "../support/network.ts";
import { privateMachine } from "../support/private-machine.ts";
import type { PrivateMachine } from "../support/private-machine.ts";
import { endCouriers } from "../support/binary.ts";
import { until } from "../support/wait.ts";

const config = "/etc/fail2ban-cloudflare/config.toml";
const journal = "/var/lib/fail2ban/cloudflare/journal.db";
const realip = "/etc/nginx/conf.d/cloudflare-realip.conf";
const metrics = "/var/lib/prometheus/node-exporter/fail2ban-cloudflare.prom";

/** What others on the machine make while it lives. */
const others = [
  /^\/run\/(fail2ban\/|systemd\/|nginx\.pid$)/,
  /^\/var\/log\/(fail2ban\.log|nginx\/.*)$/,
  /^\/var\/lib\/fail2ban\/fail2ban\.sqlite3(-journal)?$/,
  /^\/var\/lib\/prometheus\/node-exporter\/$/,
  /^\/usr\/local\/sbin\/systemctl$/,
];

/** What goes before anybody has looked, or not; test/journal/strangers.test.ts knows these. */
const passing = ["its last user", "the next courier"];

/** Looks at the machine as often as it is asked to, and remembers every file of ours that stood there. */
function watch(machine: PrivateMachine) {
  const before = machine.files();
  const seen = new Map<string, string>();
  return {
    seen,
    look(): readonly string[] {
      const standing = [...machine.files()].filter(
        ([path, { stamp }]) => before.get(path)?.stamp !== stamp && !others.some((one) => one.test(path)),
      );
      for (const [path, { mode, owner }] of standing) {
        const documented = documentedFile(path);
        expect({ path, mode, owner }).toEqual({ path, mode: documented?.mode ?? "documented", owner: "0:0" });
        seen.set(documented?.path ?? path, mode);
      }
      return standing.map(([path]) => path);
    },
  };
}

networkTest.each([
  ["cron", ["/etc/systemd/system/"]],
  ["systemd", ["/etc/cron.d/"]],
] as const)(
  "with %s, a whole life leaves no file behind that docs/operations.md does not name, each with its mode and root's",
  async (system, without) => {
    await using edge = fakeCloudflare({ zones: [{ name: "example.com" }] });
    await using machine = await privateMachine();
    const { must } = machine;
    const cloudflare = (line: string) => must("fail2ban-cloudflare", ...line.split(" "));
    machine.write("/run/given-token", edge.token, 0o600);
    machine.write(metrics, "");
    await must("rm", metrics);
    if (system === "systemd") {
      await must("mkdir", "-p", "/run/systemd/system", "/etc/systemd/system");
      machine.write("/usr/local/sbin/systemctl", "#!/bin/sh\n", 0o755);
      await must("mount", "--bind", "/usr/local/sbin/systemctl", "/usr/bin/systemctl");
    }
    const { look, seen } = watch(machine);

    expect(await machine.installer()).toMatchObject({ code: 0 });
    look();
    machine.write(config, `api_base = "${edge.url}"\n${machine.read(config)}`, 0o600);
    await cloudflare("login --token-file /run/given-token --zones example.com");
    look();

    await machine.startFail2ban();
    await must("fail2ban-client", "set", "nginx-limit-req", "banip", "198.51.100.1", "2001:db8::1");
    look();
    await cloudflare("deliver --once");
    await until(() => edge.blocked().length === 2, { what: machine.story });
    look();
    await cloudflare(`metrics --output ${metrics}`);
    await cloudflare(`realip --write ${realip}`);
    await cloudflare("sync");
    look();

    await endCouriers(config);
    machine.write(journal, "no journal at all, but long enough to be looked at".repeat(100), 0o600);
    machine.write(`${journal}-wal`, "", 0o600);
    await must("fail2ban-client", "set", "nginx-limit-req", "banip", "198.51.100.2");
    look();
    await cloudflare("deliver --once");
    look();
    await until(() => edge.blocked().length === 3, { what: machine.story });

    await endCouriers(config);
    expect(await machine.installer("--uninstall")).toMatchObject({ code: 0 });
    await endCouriers(config);
    const gone = look().filter((path) => /^`uninstall`/.test(documentedFile(path)?.goesWith ?? ""));
    expect(gone).toEqual([]);
    expect(await machine.installer()).toMatchObject({ code: 0 });
    expect(await machine.installer("--uninstall", "--purge")).toMatchObject({ code: 0 });
    await endCouriers(config);
    expect(look().toSorted()).toEqual([realip, metrics, "/var/log/fail2ban-cloudflare.log"].toSorted());

    const expected = documentedFiles.filter(
      ({ path, goesWith }) => !without.some((one) => path.startsWith(one)) && !passing.includes(goesWith),
    );
    const missed = expected.filter(({ path }) => !seen.has(path));
    expect(missed).toEqual([]);
  },
  180_000,
);
