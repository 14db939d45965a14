import { describe, expect } from "bun:test";
import { accessRulesBackend, listBackend } from "../support/backends.ts";
import type { Standing } from "../support/backends.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { listConfig } from "../support/list-site.ts";
import { networkTest } from "../support/network.ts";
import { jail, protectedSite } from "../support/protected-site.ts";

const byNetwork = (a: Standing, b: Standing): number => a.network.localeCompare(b.network);

describe.each([
  { backend: accessRulesBackend, config: () => ({}) },
  { backend: listBackend, config: (edge: FakeCloudflare) => listConfig(edge) },
])("with $backend.name", ({ backend, config }) => {
  networkTest(
    "visitors above the limit behind the edge are blocked in iptables and at the edge until unban",
    async () => {
      await using edge = fakeCloudflare({ zones: [{ name: "example.com" }] });
      await using site = await protectedSite(edge, { config: config(edge) });
      await site.fail2ban.start();
      const attackers = ["198.51.100.7", "2001:db8:bad::7"];

      for (const attacker of attackers) {
        expect(await site.visit(5, attacker)).toEqual([200, 200, 429, 429, 429]);
      }
      await site.blockedEverywhere(...attackers);
      expect(edge.blocked(edge.zone.scope)).toEqual(attackers.toSorted());
      const mark = `Fail2Ban ${jail} host:web1`;
      expect(backend.standing(edge).toSorted(byNetwork)).toEqual(
        attackers.map((network) => ({ network, mode: "block", mark })).toSorted(byNetwork),
      );
      // The others who come through the same edge do not suffer.
      expect(await site.visit(1, "198.51.100.8")).toEqual([200]);
      expect(await site.visit(1, "2001:db8:bad::8")).toEqual([200]);

      await site.fail2ban.unbanip(jail, "198.51.100.7");
      await site.blockedEverywhere("2001:db8:bad::7");
      await site.fail2ban.unbanip(jail, "2001:db8:bad::7");
      await site.blockedEverywhere();
      expect(site.fail2ban.log()).not.toContain("ERROR");
      expect(edge.violations).toEqual([]);
    },
  );

  networkTest(
    "visitors who come directly are refused by the firewall, and blocked at the edge as well",
    async () => {
      await using edge = fakeCloudflare({ zones: [{ name: "example.com" }] });
      await using site = await protectedSite(edge, { config: config(edge) });
      await site.fail2ban.start();
      const attackers = ["192.0.2.66", "2001:db8:bad::66"];

      for (const attacker of attackers) {
        expect(await site.net.requests(5, attacker)).toEqual([200, 200, 429, 429, 429]);
      }
      await site.blockedEverywhere(...attackers);
      for (const attacker of attackers) expect(await site.net.request(attacker)).toBe("refused");

      await site.fail2ban.unbanip(jail, ...attackers);
      await site.blockedEverywhere();
      for (const attacker of attackers) expect(await site.net.request(attacker, { path: "/free" })).toBe(200);
      expect(site.fail2ban.log()).not.toContain("ERROR");
      expect(edge.violations).toEqual([]);
    },
  );

  networkTest(
    "a ban that ends by itself is lifted in iptables and at the edge",
    async () => {
      await using edge = fakeCloudflare({ zones: [{ name: "example.com" }] });
      await using site = await protectedSite(edge, { config: config(edge), jail: { bantime: "10" } });
      await site.fail2ban.start();
      await site.visit(5, "198.51.100.7");
      await site.blockedEverywhere("198.51.100.7");
      await site.blockedEverywhere();
    },
    120_000,
  );
});
