import { expect } from "bun:test";
import { hostname } from "node:os";
import { plainHost } from "../../src/core/mark.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { networkTest } from "../support/network.ts";
import { privateMachine } from "../support/private-machine.ts";
import type { PrivateMachine } from "../support/private-machine.ts";
import { until } from "../support/wait.ts";

const addresses = (network: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${network}${index + 1}`);

/** Twenty bans in jails that use fail2ban's own actions in every way that guides teach. */
const bans = {
  "nginx-limit-req": addresses("198.51.100.", 4),
  web: [...addresses("203.0.113.1", 4), "2001:db8::1", "2001:db8::2"],
  mail: addresses("203.0.113.2", 4),
  api: addresses("203.0.113.3", 6),
} as const;
const all = Object.values(bans).flat();

/** The packaged actions, unchanged but for the API's address, and jails with credentials in a file that all can read. */
function writeStock(machine: PrivateMachine, edge: FakeCloudflare): void {
  for (const name of ["cloudflare.conf", "cloudflare-token.conf"]) {
    const path = `/etc/fail2ban/action.d/${name}`;
    const text = machine.read(path);
    expect(text).toContain("https://api.cloudflare.com/client/v4");
    machine.write(path, text.replaceAll("https://api.cloudflare.com/client/v4", edge.url));
  }
  machine.write("/etc/fail2ban/action.d/quiet-whois-lines.conf", "[Definition]\nactionban = true\n");
  const key = `cloudflare[cfuser="${edge.email}", cftoken="${edge.apiKey}"]`;
  machine.write(
    "/etc/fail2ban/jail.d/nginx-limit-req.conf",
    jail("nginx-limit-req", `action = iptables-multiport[port="http,https"]\n         ${key}`),
  );
  machine.write(
    "/etc/fail2ban/jail.local",
    [
      jail("web", `action = ${key}`),
      jail(
        "mail",
        `cfemail = ${edge.email}\ncfapikey = ${edge.apiKey}\nmta = quiet\naction = %(action_cf_mwl)s`,
      ),
      jail("api", `action = cloudflare-token[cfzone="${edge.zone.id}", cftoken="${edge.token}"]`),
    ].join("\n"),
  );
}

function jail(name: string, rest: string): string {
  return `[${name}]
enabled = true
backend = polling
filter = nginx-limit-req
logpath = /var/log/nginx/error.log
bantime = 1h
${rest}
`;
}

/** Watches every change at the edge for addresses that are banned and not blocked after it. */
function watch(edge: FakeCloudflare): { readonly gaps: Set<string>; readonly banned: Set<string> } {
  const [banned, gaps] = [new Set<string>(all), new Set<string>()];
  edge.onAnswer = () => {
    const blocked = new Set(edge.blocked());
    for (const address of banned) if (!blocked.has(address)) gaps.add(address);
  };
  return { gaps, banned };
}

/** Whose rules there are, and where. */
const marks = (edge: FakeCloudflare): string[] =>
  [...new Set(edge.rules().map(({ notes, scope }) => `${notes} (${scope.type})`))].toSorted();

networkTest(
  "a move from fail2ban's own actions loses no ban and leaves neither a rule nor a readable secret",
  async () => {
    await using edge = fakeCloudflare({ zones: [{ name: "example.com" }] });
    await using machine = await privateMachine();
    const { must } = machine;
    const story = () => `${edge.blocked().join(" ")}\n${marks(edge).join("\n")}\n${machine.story()}`;
    writeStock(machine, edge);
    await machine.startFail2ban();
    for (const [name, list] of Object.entries(bans))
      await must("fail2ban-client", "set", name, "banip", ...list);
    await until(() => edge.blocked().length === 20, { what: () => `20 stock bans: ${story()}` });
    // What a stock unban that failed has left.
    edge.plant(edge.zone.scope, { value: "203.0.113.200", notes: "Fail2Ban api" });
    const somebodys = edge.plant(edge.zone.scope, { value: "203.0.113.201", notes: "bad neighbour" });
    const { gaps, banned } = watch(edge);
    expect(machine.readableWith(edge.apiKey, edge.token)).toContain("/etc/fail2ban/jail.local");

    const installed = await machine.installer();
    expect(installed).toMatchObject({ code: 0 });
    const config = "/etc/fail2ban-cloudflare/config.toml";
    machine.write(config, `api_base = "${edge.url}"\n${machine.read(config)}`, 0o600);
    // fail2ban unbans one between the two steps: its rule is stale.
    banned.delete("203.0.113.31");
    await must("fail2ban-client", "set", "api", "unbanip", "203.0.113.31");

    const ours = ["fail2ban-cloudflare", "sync", "--adopt"];
    const before = JSON.stringify(edge.rules());
    const plan = await must(...ours, "--dry-run");
    expect(JSON.stringify(edge.rules())).toBe(before);
    expect(plan.match(/^~ .* left by the stock action/gm)).toHaveLength(19);
    expect(plan.match(/^- .*, stale/gm)).toHaveLength(2);
    expect(await must(...ours)).toBe(plan);
    expect(edge.blocked().filter((address) => address !== "203.0.113.201")).toEqual([...banned].toSorted());
    const mark = `host:${plainHost(hostname())}`;
    expect(marks(edge)).toEqual([
      `Fail2Ban api ${mark} (zone)`,
      `Fail2Ban mail ${mark} (user)`,
      `Fail2Ban nginx-limit-req ${mark} (user)`,
      `Fail2Ban web ${mark} (user)`,
      "bad neighbour (zone)",
    ]);

    // The jails' lines still pass what they did, no command has it, and their bans go on at the same places.
    for (const command of ["actionban", "actionunban", "actionstart"])
      expect(await must("fail2ban-client", "get", "api", "action", "cloudflare-token", command)).toMatch(
        /^BUN_JSC_useJIT=0 '\/usr\/local\/bin\/fail2ban-cloudflare' (?!.*test-token)/,
      );
    await must("fail2ban-client", "set", "api", "banip", "198.51.100.71");
    await must("fail2ban-client", "set", "mail", "banip", "198.51.100.72");
    await until(() => ["198.51.100.71", "198.51.100.72"].every((one) => edge.blocked().includes(one)), {
      what: () => `two new bans: ${story()}`,
    });
    const placed = edge.rules().map(({ configuration, scope }) => [configuration.value, scope.type]);
    expect(placed).toEqual(
      expect.arrayContaining([
        ["198.51.100.71", "zone"],
        ["198.51.100.72", "user"],
      ]),
    );

    // The lines lose their credentials, and a jail changes to the action's new name: no call, no gap.
    const calls = edge.calls.length;
    machine.write(
      "/etc/fail2ban/jail.local",
      withoutCredentials(machine.read("/etc/fail2ban/jail.local")),
      0o644,
    );
    for (const name of ["web", "mail", "api"]) await must("fail2ban-client", "reload", "--restart", name);
    await until(
      async () => (await must("fail2ban-client", "status", "api")).includes("Currently banned:\t6"),
      {
        what: () => `the bans of jail api: ${story()}`,
      },
    );
    expect(await must("fail2ban-cloudflare", "sync", "--dry-run")).not.toMatch(/^[-+~]/m);
    expect(edge.calls.slice(calls).filter(({ method }) => method !== "GET")).toEqual([]);
    expect(machine.readableWith(edge.apiKey, edge.token)).toEqual([]);

    expect(gaps).toEqual(new Set());
    edge.onAnswer = null;
    await must("fail2ban-client", "unban", "--all");
    await until(() => edge.rules().length === 1, {
      deadlineMs: 40_000,
      what: () => `no rule left: ${story()}`,
    });
    expect(edge.rules()).toEqual([somebodys]);
    expect(machine.story()).not.toContain(edge.apiKey);
    expect(edge.violations).toEqual([]);
  },
  180_000,
);

function withoutCredentials(text: string): string {
  return text
    .replace(/cloudflare-token\[.*\]/, "cloudflare")
    .replace(/cloudflare\[cfuser.*\]/g, "cloudflare")
    .replace(/^cfemail = .*\ncfapikey = .*\n/m, "")
    .replace("%(action_cf_mwl)s", "cloudflare");
}
