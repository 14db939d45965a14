import { expect } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { networkTest } from "../support/network.ts";
import { jail, protectedSite } from "../support/protected-site.ts";
import type { ProtectedSite } from "../support/protected-site.ts";

interface Account {
  readonly email: string;
  readonly apiKey: string;
}

/** As the guide says: the account's email address in cfuser and its key in cftoken, in action.d/cloudflare.conf. */
function fillIn({ root }: ProtectedSite, { email, apiKey }: Account): void {
  const action = "etc/fail2ban/action.d/cloudflare.conf";
  const filled = root.read(action).replace(/^cfuser =$/m, `cfuser = ${email}`);
  root.write(action, filled.replace(/^cftoken =$/m, `cftoken = ${apiKey}`), 0o600);
}

networkTest.each([
  ["action.d", () => ({}), fillIn],
  [
    "the configuration",
    ({ email, apiKey }: Account) => ({ email: JSON.stringify(email), api_key: JSON.stringify(apiKey) }),
    () => {},
  ],
] as const)(
  "the guide's case with email and Global API Key in %s: a rule of the user, ban and unban",
  async (_, credential, prepare) => {
    await using edge = fakeCloudflare();
    const config = { api_token_file: null, zones: null, ...credential(edge) };
    await using site = await protectedSite(edge, { config });
    prepare(site, edge);

    const { code, stdout } = await site.fail2ban.client("-d");
    expect(code).toBe(0);
    for (const action of ["iptables-multiport", "cloudflare"]) {
      expect(stdout).toContain(`['set', '${jail}', 'addaction', '${action}']`);
    }
    for (const secret of [edge.email, edge.apiKey]) expect(stdout).not.toContain(secret);

    await site.fail2ban.start();
    await site.visit(5, "198.51.100.7");
    await site.blockedEverywhere("198.51.100.7");
    const [rule] = edge.rules(edge.user.scope);
    await site.fail2ban.unbanip(jail, "198.51.100.7");
    await site.blockedEverywhere();

    const rules = "/user/firewall/access_rules/rules";
    const writes = edge.calls.filter(({ method }) => method !== "GET");
    expect(writes.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      {
        method: "POST",
        path: rules,
        body: {
          mode: "block",
          configuration: { target: "ip", value: "198.51.100.7" },
          notes: `Fail2Ban ${jail} host:web1`,
        },
      },
      { method: "DELETE", path: `${rules}/${rule?.id}`, body: undefined },
    ]);
    // Cloudflare's own ranges are everybody's to ask for.
    const asked = edge.calls.filter(({ path }) => path !== "/ips");
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set(["key"]));
    expect(site.fail2ban.log()).not.toContain("ERROR");
    expect(edge.violations).toEqual([]);
  },
);
