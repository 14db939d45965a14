import { expect } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { networkTest } from "../support/network.ts";
import { privateMachine } from "../support/private-machine.ts";
import { processesOf } from "../support/program.ts";
import { until } from "../support/wait.ts";

const config = "/etc/fail2ban-cloudflare/config.toml";
const placed = [
  config,
  "/usr/local/bin/fail2ban-cloudflare",
  "/var/lib/fail2ban/cloudflare/journal.db",
  "/etc/cron.d/fail2ban-cloudflare",
  "/etc/fail2ban/jail.d/nginx-limit-req.conf",
];

networkTest(
  "uninstall --purge leaves all as it is when Cloudflare fails, and nothing of ours when it answers",
  async () => {
    await using edge = fakeCloudflare({ zones: [{ name: "example.com" }] });
    await using machine = await privateMachine();
    const { must, run } = machine;
    const story = () => `${edge.blocked().join(" ")}\n${machine.story()}`;
    const stock = machine.read("/etc/fail2ban/action.d/cloudflare.conf");
    expect(await machine.installer()).toMatchObject({ code: 0 });
    machine.write(
      config,
      `api_token = "${edge.token}"\nzones = ["example.com"]\napi_base = "${edge.url}"\n`,
      0o600,
    );
    await machine.startFail2ban();
    const addresses = ["198.51.100.1", "198.51.100.2", "2001:db8::1"];
    await must("fail2ban-client", "set", "nginx-limit-req", "banip", ...addresses);
    await until(() => edge.rules().length === 3, { what: () => `three bans: ${story()}` });
    const foreign = edge.plant(edge.zone.scope, { value: "198.51.100.9", notes: "Fail2Ban nginx-limit-req" });
    const orphan = { value: "198.51.100.8", notes: edge.rules()[0]?.notes ?? "" };
    edge.plant(edge.zone.scope, orphan);

    edge.fail(
      { kind: "reset" },
      { times: Number.POSITIVE_INFINITY, when: ({ method }) => method === "DELETE" },
    );
    const refused = await run("fail2ban-cloudflare", "uninstall", "--purge");
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain("Cannot reach Cloudflare");
    expect(refused.stderr).toContain("nothing was removed");
    expect(placed.filter((path) => !machine.exists(path))).toEqual([]);
    expect(await must("fail2ban-client", "get", "nginx-limit-req", "actions")).toContain("cloudflare");

    edge.heal();
    // One more is banned when all is gone from the edge and the jail is still there.
    let isGone = false;
    edge.onAnswer = async ({ method }) => {
      if (method !== "GET" || edge.rules().length > 1 || isGone) return;
      isGone = true;
      await must("fail2ban-client", "set", "nginx-limit-req", "banip", "198.51.100.3");
    };
    const done = await run("fail2ban-cloudflare", "uninstall", "--purge");
    expect({ code: done.code, story: story() }).toMatchObject({ code: 0 });
    expect(isGone).toBe(true);
    expect(edge.rules()).toEqual([foreign]);
    expect(placed.filter((path) => machine.exists(path))).toEqual([]);
    expect(machine.read("/etc/fail2ban/action.d/cloudflare.conf")).toBe(stock);
    await until(() => processesOf("--config", config, "deliver").length === 0, {
      what: "the end of the courier",
    });
    expect(edge.rules()).toEqual([foreign]);
    expect(machine.exists("/var/lib/fail2ban/cloudflare")).toBe(false);
    expect(edge.violations).toEqual([]);
  },
  180_000,
);
