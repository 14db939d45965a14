import { expect } from "bun:test";
import { appendFileSync } from "node:fs";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { pendingIn } from "../support/journal-file.ts";
import { networkTest } from "../support/network.ts";
import { jail, protectedSite } from "../support/protected-site.ts";
import type { ProtectedSite } from "../support/protected-site.ts";
import { until } from "../support/wait.ts";

/** Adds a jail of another service, whose failures are the lines that are appended to its log. */
function addJail(site: ProtectedSite, name: string, action: string): (address: string) => void {
  site.root.write(`${name}.log`, "");
  site.root.write(`etc/fail2ban/filter.d/${name}.conf`, "[Definition]\nfailregex = ^ failure of <HOST>$\n");
  const lines = {
    enabled: "true",
    backend: "auto",
    filter: name,
    logpath: site.root.at(`${name}.log`),
    maxretry: "1",
    bantime: "600",
    action,
  };
  const text = Object.entries(lines).map(([key, value]) => `${key} = ${value}\n`);
  site.fail2ban.write(`jail.d/${name}.conf`, `[${name}]\n${text.join("")}`);
  return (address) => {
    const now = new Date().toISOString().slice(0, 19).replace("T", " ");
    appendFileSync(site.root.at(`${name}.log`), `${now} failure of ${address}\n`);
  };
}

networkTest(
  "while Cloudflare hangs, nobody waits for it; when it is back, everything is delivered",
  async () => {
    await using edge = fakeCloudflare();
    await using site = await protectedSite(edge);
    const failMail = addJail(site, "mail", 'iptables-multiport[name="mail", port="25", protocol="tcp"]');
    edge.fail({ kind: "hang" }, { times: Infinity });
    await site.fail2ban.start();
    const hanging = () => edge.calls.length > 0 && edge.calls.every(({ status }) => status === null);

    await site.fail2ban.banip(jail, "198.51.100.7");
    await until(hanging, { what: () => `a call that hangs\n${site.story()}` });
    // The client waits for the hooks: that it returns at all is what a hanging hook would prevent.
    await site.fail2ban.banip(jail, "198.51.100.8", "2001:db8:bad::7", "198.51.100.9");
    await site.fail2ban.unbanip(jail, "198.51.100.9");
    failMail("198.51.100.66");
    await until(async () => (await site.net.rejected("mail")).includes("198.51.100.66"), {
      what: () => `the ban of the other jail\n${site.story()}`,
    });
    expect(await site.net.rejected(jail)).toEqual(["198.51.100.7", "198.51.100.8", "2001:db8:bad::7"]);
    expect({ hanging: hanging(), blocked: edge.blocked() }).toEqual({ hanging: true, blocked: [] });
    expect(site.fail2ban.log()).not.toContain("ERROR");

    edge.heal();
    await site.blockedEverywhere("198.51.100.7", "198.51.100.8", "2001:db8:bad::7");
    expect(edge.violations).toEqual([]);
  },
);

networkTest(
  "an address that two jails hold stays blocked after the first unban, and goes with the second",
  async () => {
    await using edge = fakeCloudflare();
    await using site = await protectedSite(edge);
    addJail(site, "mail", "cloudflare");
    await site.fail2ban.start();
    await site.fail2ban.banip(jail, "198.51.100.7");
    await site.blockedEverywhere("198.51.100.7");
    await site.fail2ban.banip("mail", "198.51.100.7", "198.51.100.8");
    await until(() => edge.blocked().includes("198.51.100.8"), { what: site.story });
    const rules = edge.rules();

    await site.fail2ban.unbanip(jail, "198.51.100.7");
    await until(() => pendingIn(site.journalPath) === 0, { what: site.story });
    expect(await site.net.rejected(jail)).toEqual([]);
    expect(edge.rules()).toEqual(rules);

    await site.fail2ban.unbanip("mail", "198.51.100.7");
    await until(() => !edge.blocked().includes("198.51.100.7"), { what: site.story });
    expect(edge.blocked()).toEqual(["198.51.100.8"]);
    expect(site.fail2ban.log()).not.toContain("ERROR");
  },
);
