import { describe, expect } from "bun:test";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { pendingIn } from "../support/journal-file.ts";
import { listConfig } from "../support/list-site.ts";
import { networkTest } from "../support/network.ts";
import { jail, protectedSite } from "../support/protected-site.ts";
import type { ProtectedSite, ProtectedSiteOptions } from "../support/protected-site.ts";
import { until } from "../support/wait.ts";

/** None of them is the server's own or the fake Cloudflare's. */
function addresses(count: number): string[] {
  const last = (index: number): number => 2 + (index % 200);
  return Array.from({ length: count }, (_, index) =>
    index < 400
      ? `${["198.51.100", "203.0.113"][index % 2]}.${last(index >> 1)}`
      : `2001:db8:bad::${last(index)}`,
  );
}

interface Backend {
  readonly name: string;
  config(edge: FakeCloudflare): ProtectedSiteOptions["config"];
  /** Has others be there, on addresses that fail2ban bans. */
  plant(edge: FakeCloudflare): void;
  /** Of those, what lets its visitors in. */
  readonly spared: readonly string[];
  /** All that stands at the edge, to the byte. */
  standing(edge: FakeCloudflare): readonly string[];
}

const others = [
  ["198.51.100.2", "bad neighbour"],
  ["198.51.100.3", "Fail2Ban nginx-limit-req host:web2"],
  ["203.0.113.3", "Fail2Ban nginx-limit-req"],
] as const;

const accessRules: Backend = {
  name: "access rules",
  config: () => ({}),
  plant(edge) {
    for (const [value, notes] of others) edge.plant(edge.zone.scope, { value, notes });
    edge.plant(edge.zone.scope, { value: "203.0.113.2", mode: "whitelist", notes: "our office" });
  },
  spared: ["203.0.113.2"],
  standing: (edge) => edge.rules().map((rule) => JSON.stringify(rule)),
};

const list: Backend = {
  name: "a list",
  config: (edge) => listConfig(edge),
  plant(edge) {
    edge.lists.plant("fail2ban");
    for (const [ip, comment] of others) edge.lists.plantItem("fail2ban", ip, comment);
  },
  spared: [],
  standing: (edge) => edge.lists.items("fail2ban").map((item) => JSON.stringify(item)),
};

interface Change {
  readonly kind: "added" | "changed" | "removed";
  readonly at: number;
}

/** Every change of the edge from here on. */
function changesOf(edge: FakeCloudflare): Change[] {
  const changes: Change[] = [];
  const hear = ({ kind }: Pick<Change, "kind">): void => void changes.push({ kind, at: performance.now() });
  edge.onChange = hear;
  edge.lists.onChange = hear;
  return changes;
}

async function isRestored({ fail2ban, run }: ProtectedSite, count: number): Promise<boolean> {
  if ((await fail2ban.banned(jail)).length < count) return false;
  const { holds } = JSON.parse((await run(["list", "--json"])).stdout) as {
    holds: { releaseAt: number | null }[];
  };
  return holds.length === count && holds.every(({ releaseAt }) => releaseAt === null);
}

describe.each([accessRules, list])("with $name", ({ config, plant, spared, standing }) => {
  /** Returns when all of them are at the edge, and nothing is pending. */
  async function banAll(site: ProtectedSite, edge: FakeCloudflare, banned: readonly string[]): Promise<void> {
    for (let from = 0; from < banned.length; from += 50)
      await site.fail2ban.banip(jail, ...banned.slice(from, from + 50));
    const blocked = JSON.stringify(banned.filter((address) => !spared.includes(address)).toSorted());
    const isBlocked = (): boolean => JSON.stringify(edge.blocked()) === blocked;
    // The courier of a new journal compares it with the edge, and asks for Cloudflare's ranges last.
    const isCompared = (): boolean => edge.calls.some(({ path }) => path === "/ips");
    await until(() => isBlocked() && pendingIn(site.journalPath) === 0 && isCompared(), {
      deadlineMs: 60_000,
      what: () => `${banned.length} bans at the edge\n${site.story()}`,
    });
  }

  networkTest(
    "a restart with 500 bans makes no call and opens no gap, and unban --all lifts them all within 15 seconds",
    async () => {
      await using edge = fakeCloudflare({ contract: "off" });
      plant(edge);
      const foreign = standing(edge);
      await using site = await protectedSite(edge, {
        config: { ...config(edge), budget: "1200" },
        jail: { action: "cloudflare" },
      });
      await site.fail2ban.start();
      const banned = addresses(500);
      await banAll(site, edge, banned);
      const changes = changesOf(edge);
      const [calls, before] = [edge.calls.length, standing(edge)];

      await site.fail2ban.restart();
      await until(() => isRestored(site, 500), {
        deadlineMs: 240_000,
        what: () => `the restored bans\n${site.story()}`,
      });
      expect(edge.calls.length - calls).toBe(0);
      expect(changes).toEqual([]);
      expect(standing(edge)).toEqual(before);

      const orderedAt = performance.now();
      const { code, stderr } = await site.fail2ban.client("unban", "--all");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      await until(() => standing(edge).length === foreign.length, {
        deadlineMs: 120_000,
        what: () => `the end of all bans\n${site.story()}`,
      });
      const tookMs = Math.max(...changes.map(({ at }) => at)) - orderedAt;
      console.log(`restart with 500 bans: 0 calls; unban --all: gone in ${(tookMs / 1_000).toFixed(1)} s`);
      expect(changes.every(({ kind }) => kind === "removed")).toBe(true);
      expect(tookMs).toBeLessThan(15_000);
      expect(standing(edge)).toEqual(foreign);
      expect(edge.overLimit).toBe(0);
      expect(site.fail2ban.log()).not.toContain("ERROR");
    },
    600_000,
  );

  networkTest(
    "a fail2ban that is killed, started and reloaded makes no call; a stop for good ends all blocks after the grace",
    async () => {
      await using edge = fakeCloudflare();
      plant(edge);
      const foreign = standing(edge);
      await using site = await protectedSite(edge, {
        config: { ...config(edge), restart_grace: "15" },
        jail: { action: "cloudflare" },
      });
      const { fail2ban } = site;
      await fail2ban.start();
      await banAll(site, edge, addresses(30));
      await until(() => fail2ban.stored(jail).length === 30, { what: "the bans in fail2ban's database" });
      const changes = changesOf(edge);
      const calls = edge.calls.length;
      await fail2ban.kill();
      await fail2ban.start();
      await until(() => isRestored(site, 30), { deadlineMs: 30_000, what: () => site.story() });
      expect((await fail2ban.client("reload")).code).toBe(0);
      expect((await fail2ban.client("reload", "--restart", jail)).code).toBe(0);
      await until(() => isRestored(site, 30), { deadlineMs: 30_000, what: () => site.story() });
      expect(edge.calls.slice(calls).map(({ method, path }) => `${method} ${path}`)).toEqual([]);
      expect(changes).toEqual([]);

      const stoppedAt = performance.now();
      await fail2ban.stop();
      await until(() => standing(edge).length === foreign.length, {
        deadlineMs: 60_000,
        what: () => `the end of all blocks\n${site.story()}`,
      });
      const afterMs = changes.map(({ at }) => at - stoppedAt);
      const [first, last] = [Math.min(...afterMs), Math.max(...afterMs)].map((ms) => (ms / 1_000).toFixed(1));
      console.log(`stop for good: gone ${first} to ${last} s later, grace 15 s`);
      expect(Math.min(...afterMs)).toBeGreaterThanOrEqual(15_000);
      expect(changes.every(({ kind }) => kind === "removed")).toBe(true);
      expect(standing(edge)).toEqual(foreign);
    },
    180_000,
  );
});
