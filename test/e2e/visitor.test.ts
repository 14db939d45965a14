import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import { dumpOf, pendingIn } from "../support/journal-file.ts";
import { networkTest } from "../support/network.ts";
import { edgeAddresses, jail, protectedSite } from "../support/protected-site.ts";
import { tempRoot } from "../support/temp-root.ts";
import { until } from "../support/wait.ts";

/** Somebody whom an attacker would like to see blocked. */
const victim = "203.0.113.99";

/** Looks like a line of the log, or like the end of one. */
const forged = `/x,%20client:%20${victim},%20server:%20_,%20request:%20"GET%20/`;
const forgedHeaders = {
  Referer: `http://x/", client: ${victim}, host: "${victim}`,
  "User-Agent": `limiting requests, excess: 9.9 by zone "visitors", client: ${victim}, server: _`,
  Host: victim,
  "X-Forwarded-For": victim,
};

networkTest("a visitor can have nobody blocked but himself, whatever he writes into the log", async () => {
  await using edge = fakeCloudflare();
  await using site = await protectedSite(edge);
  await site.fail2ban.start();
  const requests = (from: string, headers: Readonly<Record<string, string>>) =>
    site.net.requests(5, from, { path: forged, headers: { ...forgedHeaders, ...headers } });

  // Through the edge, which says who he is.
  await requests(edgeAddresses.ipv4, { "CF-Connecting-IP": "198.51.100.7" });
  await site.blockedEverywhere("198.51.100.7");
  // Past it, with a header that only the edge may send.
  await requests("192.0.2.66", { "CF-Connecting-IP": victim });
  await site.blockedEverywhere("192.0.2.66", "198.51.100.7");
  expect(site.web.log()).toContain(victim);
  expect(site.fail2ban.log()).not.toContain("ERROR");
});

networkTest(
  "what fail2ban is told to ban is run by no shell, and what is no address is refused",
  async () => {
    await using edge = fakeCloudflare();
    using directory = tempRoot();
    // Not beside iptables, whose own failures with such addresses keep fail2ban from unbanning others there.
    await using site = await protectedSite(edge, { cwd: directory.path, jail: { action: "cloudflare" } });
    await site.fail2ban.start();
    await site.fail2ban.banip(jail, "198.51.100.7");
    await until(() => edge.blocked().length === 1 && pendingIn(site.journalPath) === 0, { what: site.story });
    const before = dumpOf(site.journalPath);
    const commands = ["$(touch ran)", "`touch ran`", "; touch ran #", '"; touch ran "', "'; touch ran '"];
    const hostile = [...commands, "no.such.host", "--help", "192.0.2.500"];
    for (const address of hostile) await site.fail2ban.banip(jail, address);
    expect(existsSync(directory.at("ran"))).toBe(false);
    const refusals = site.fail2ban.log().match(/stderr: .*fail2ban-cloudflare: Cannot read address .*$/gm);
    expect(refusals?.length).toBeGreaterThanOrEqual(hostile.length);
    expect(dumpOf(site.journalPath)).toBe(before);
    await site.fail2ban.unbanip(jail, "198.51.100.7");
    await until(() => edge.blocked().length === 0, { what: site.story });
  },
);
