import { expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { purgeEdge } from "../../src/commands/purge.ts";
import { fakeCloudflare } from "../support/fake-cloudflare.ts";
import type { FakeCloudflare } from "../support/fake-cloudflare.ts";
import { fleetHost } from "../support/fleet-host.ts";
import type { Server } from "../../src/journal/postgres/session.ts";
import type { FleetHost, FleetHostOptions } from "../support/fleet-host.ts";
import { listConfig } from "../support/list-site.ts";
import type { Postgres } from "../support/postgres.ts";
import { describePostgres } from "../support/postgres-tests.ts";
import { testRuntime } from "../support/runtime.ts";
import { until } from "../support/wait.ts";

const deadlineMs = 40_000;

interface Fleet extends AsyncDisposable {
  readonly edge: FakeCloudflare;
  readonly server: Server;
  readonly hosts: readonly [FleetHost, FleetHost, FleetHost];
  /** Waits until these addresses, and no others, are blocked. */
  blocked(addresses: readonly string[]): Promise<void>;
  story(): string;
}

async function fleet(
  pg: Postgres,
  optionsOf: (edge: FakeCloudflare) => FleetHostOptions = () => ({}),
): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(fakeCloudflare());
  const server = await pg.database();
  const add = async (name: string) => stack.use(await fleetHost(name, edge, server, optionsOf(edge)));
  const hosts = [await add("web1"), await add("web2"), await add("web3")] as const;
  const story = (): string =>
    [`blocked: ${edge.blocked().join(" ")}`, ...hosts.map((host) => `${host.name}:\n${host.log()}`)].join(
      "\n",
    );
  const owned = stack.move();
  return {
    edge,
    server,
    hosts,
    story,
    async blocked(addresses) {
      const wanted = JSON.stringify(addresses.toSorted());
      await until(() => JSON.stringify(edge.blocked()) === wanted, {
        deadlineMs,
        what: () => `${wanted} at the edge\n${story()}`,
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const addresses = (count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, index) => `203.0.113.${from + index}`);

describePostgres("a fleet", (pg) => {
  test("an address that three hosts ban is one rule, which goes with the last of them", async () => {
    await using web = await fleet(pg());
    const [one, two, three] = web.hosts;
    for (const host of web.hosts) await host.hook("ban 203.0.113.7 --jail sshd");
    await web.blocked(["203.0.113.7"]);
    expect(web.edge.rules()).toMatchObject([{ mode: "block", notes: "Fail2Ban sshd host:web" }]);
    const [rule] = web.edge.rules();

    await one.hook("unban 203.0.113.7 --jail sshd");
    await three.hook("unban 203.0.113.7 --jail sshd");
    await until(async () => (await two.list()).length === 1, { deadlineMs, what: web.story });
    // A later ban is at the edge: what was before it has been delivered.
    await one.hook("ban 203.0.113.8 --jail sshd --wait");
    expect(web.edge.rules().find(({ id }) => id === rule?.id)).toEqual(rule);

    await two.hook("unban 203.0.113.7 --jail sshd --wait");
    await web.blocked(["203.0.113.8"]);
    expect(
      web.edge.calls.filter(({ method, path }) => method === "POST" && path.includes("rules")),
    ).toHaveLength(2);
  }, 90_000);

  test("when the host whose courier delivers is killed, another takes over, and nothing is lost or double", async () => {
    await using web = await fleet(pg());
    web.edge.latencyMs = 400;
    const all = addresses(60);
    for (const [index, address] of all.entries())
      await web.hosts[index % 3]?.hook(`ban ${address} --jail sshd`);
    const delivers = () => web.hosts.find((host) => host.log().includes("] Ban "));
    const first = await until(delivers, { deadlineMs, what: web.story });
    // So that it has not done all before it is killed.
    web.edge.latencyMs = 5_000;
    // What a host has recorded and not told is lost to the others for as long as it is away.
    await until(async () => (await web.hosts[0].list()).length === all.length, {
      deadlineMs,
      what: web.story,
    });
    expect(web.edge.blocked().length).toBeLessThan(all.length);
    await first.kill();
    web.edge.latencyMs = 400;
    const killedAt = performance.now();
    const others = web.hosts.filter((host) => host !== first);
    await until(() => others.some((host) => host.log().includes("] Ban ")), { deadlineMs, what: web.story });
    console.log(`took over within ${Math.round(performance.now() - killedAt)} ms`);
    await web.blocked(all);
    expect(web.edge.rules()).toHaveLength(all.length);
    const held = (await others[0]?.list()) ?? [];
    expect(held.map(({ address }) => address).toSorted()).toEqual(all.toSorted());
    await until(async () => (await others[0]?.status())?.pending === 0, { deadlineMs, what: web.story });
  }, 120_000);

  test("when the courier hangs another takes over, and it joins again when it wakes up", async () => {
    await using web = await fleet(pg());
    const [one, two] = web.hosts;
    web.edge.fail({ kind: "hang" });
    // The first and only host that is there: its process is the courier.
    await one.hook("ban 203.0.113.1 --jail sshd");
    await until(() => web.edge.calls.length > 0, { deadlineMs, what: web.story });
    const [courier = 0] = one.couriers();
    process.kill(courier, "SIGSTOP");
    try {
      await two.hook("ban 203.0.113.2 --jail sshd");
      // The database ends what was silent for a quarter of a minute.
      const isTakenOver = (): boolean =>
        web.edge.blocked().length === 2 && two.log().includes("Ban 203.0.113.1 ");
      await until(isTakenOver, { deadlineMs: 2 * deadlineMs, what: web.story });
    } finally {
      process.kill(courier, "SIGCONT");
    }
    await until(() => one.log().split("Joined the fleet").length === 3, { deadlineMs, what: web.story });
    expect(one.couriers()).toEqual([courier]);
    await one.hook("unban 203.0.113.1 --jail sshd --wait");
    await web.blocked(["203.0.113.2"]);
    expect(one.log()).not.toContain("] Ban ");
  }, 180_000);

  test("while the database is away hooks record and the edge stays; then the newest wish of each host wins", async () => {
    await using web = await fleet(pg());
    const [one, two] = web.hosts;
    await one.hook("ban 203.0.113.1 --jail sshd --wait");
    await two.hook("ban 203.0.113.2 --jail sshd --wait");
    await pg().stop();
    try {
      await one.hook("ban 203.0.113.3 --jail sshd");
      await one.hook("unban 203.0.113.1 --jail sshd");
      await two.hook("ban 203.0.113.3 --jail sshd");
      await two.hook("ban 203.0.113.4 --jail sshd");
      await two.hook("unban 203.0.113.2 --jail sshd");
      await two.hook("ban 203.0.113.2 --jail sshd");
      await two.hook("unban 203.0.113.4 --jail sshd");
      const status = await one.run("status");
      expect(status.code).toBe(5);
      expect(status.stdout).toContain("only what this server holds is known: Cannot use the fleet's journal");
      expect(`${status.stdout}${status.stderr}`).not.toContain("a-password");
      expect(await one.examined()).toEqual([expect.stringContaining("bad: Cannot use the fleet's journal")]);
      expect((await one.run("metrics")).stdout).toContain("fleet_reachable 0");
      expect((await one.run("list")).stderr).toContain("Only what this server holds: Cannot use the fleet's");
      expect((await one.list()).map(({ address }) => address)).toEqual(["203.0.113.3"]);
      expect(web.edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2"]);
    } finally {
      await pg().start();
    }
    await web.blocked(["203.0.113.2", "203.0.113.3"]);
    await until(async () => (await one.list()).length === 3, { deadlineMs, what: web.story });
    await one.hook("unban 203.0.113.3 --jail sshd");
    await two.hook("unban 203.0.113.3 --jail sshd --wait");
    await web.blocked(["203.0.113.2"]);
  }, 120_000);

  test("a host that is gone is reported, and retiring it lets go of what it held", async () => {
    await using web = await fleet(pg(), () => ({ fleet: { gone_after: "3600" } }));
    const [one, two, three] = web.hosts;
    await one.hook("ban 203.0.113.1 --jail sshd --wait");
    await three.hook("ban 203.0.113.3 --jail sshd --wait");
    await two.hook("ban 203.0.113.1 --jail sshd --wait");
    expect((await one.run("fleet retire web3")).stderr).toContain('Cannot retire "web3": it is connected');
    await three.kill();
    await pg().psql(
      web.server.database,
      "UPDATE fail2ban_cloudflare.hosts SET seen_at = seen_at - 3700000 WHERE host = 'web3'",
    );
    expect((await two.status()).fleet.gone).toMatchObject([{ host: "web3" }]);
    expect((await two.run("status")).stdout).toContain("fleet retire web3");
    const [finding, ...others] = await two.examined();
    expect([finding, others]).toEqual([
      expect.stringContaining('warn: Server "web3" of the fleet was not'),
      [],
    ]);
    expect(finding).toEndWith("fail2ban-cloudflare fleet retire web3");
    const { stdout: metrics } = await two.run("metrics");
    expect(metrics).toContain('fleet_host_gone{host="web3"} 1');
    expect([...metrics.matchAll(/^# HELP fail2ban_cloudflare_(fleet_\w+) (.*)$/gm)].map(wordsOf)).toEqual(
      [...documented.matchAll(/^\| `(fleet_\w+)` +\| gauge \| .*? \| (.*?) +\|$/gm)].map(wordsOf),
    );
    expect((await one.run("fleet retire web9")).stderr).toContain("the fleet has no such server");

    expect((await one.run("fleet retire web3")).stdout).toBe("Retired web3: let go of 1\n");
    await web.blocked(["203.0.113.1"]);
    expect((await two.status()).fleet.gone).toEqual([]);
    expect(await one.examined()).toEqual(['ok: Fleet "web" has 2 servers, and all are there']);
    // It was not gone for good: what it holds is its own, and joins again.
    await three.hook("ban 203.0.113.4 --jail sshd");
    await web.blocked(["203.0.113.1", "203.0.113.3", "203.0.113.4"]);
  }, 120_000);

  test("a host that has lost its own journal gets back from the fleet what people had it hold", async () => {
    await using web = await fleet(pg());
    const [one] = web.hosts;
    await one.hook("ban 203.0.113.0/30 --jail by-hand --wait");
    await one.kill();
    for (const ending of ["", "-wal", "-shm"]) rmSync(`${one.spoolPath}${ending}`, { force: true });
    await one.hook("ban 203.0.113.9 --jail by-hand --wait");
    const network = addresses(3, 1).concat("203.0.113.0", "203.0.113.9");
    await web.blocked(network);
    await one.hook("unban 203.0.113.0/30 --jail by-hand --wait");
    await web.blocked(["203.0.113.9"]);
  }, 90_000);

  test("a database that was lost is filled again by its hosts, and the edge stays as it is", async () => {
    await using web = await fleet(pg());
    const [one, two] = web.hosts;
    await one.hook("ban 203.0.113.1 --jail sshd --wait");
    await two.hook("ban 203.0.113.2 --jail by-hand --wait");
    const rules = web.edge.rules();
    await pg().psql(
      web.server.database,
      `DROP SCHEMA fail2ban_cloudflare CASCADE; CREATE SCHEMA fail2ban_cloudflare AUTHORIZATION ${web.server.user};
       SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${web.server.user}'`,
    );
    await until(async () => (await two.list()).length === 2, { deadlineMs, what: web.story });
    await one.hook("ban 203.0.113.3 --jail sshd --wait");
    await web.blocked(["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
    expect(web.edge.rules()).toEqual(expect.arrayContaining(rules));
    await two.hook("unban 203.0.113.2 --jail by-hand --wait");
    await web.blocked(["203.0.113.1", "203.0.113.3"]);
  }, 90_000);

  test("a second server of the same name does not join, and says why", async () => {
    await using web = await fleet(pg());
    const [one] = web.hosts;
    await one.hook("ban 203.0.113.1 --jail sshd --wait");
    await using clone = await fleetHost("web1", web.edge, web.server);
    await clone.hook("ban 203.0.113.2 --jail sshd");
    await until(() => clone.log().includes('Cannot join the fleet as "web1": another server has this name'), {
      deadlineMs,
      what: clone.log,
    });
    await one.hook("ban 203.0.113.3 --jail sshd --wait");
    await web.blocked(["203.0.113.1", "203.0.113.3"]);
  }, 90_000);

  test("with lists, the newest bans of all hosts are in one list, and older ones come in when there is room", async () => {
    await using web = await fleet(pg(), (edge) => ({ config: listConfig(edge, { capacity: "2" }) }));
    const { edge, hosts } = web;
    const listed = () => edge.lists.items("fail2ban").map(({ ip, comment }) => `${ip} ${comment}`);
    for (const [index, host] of hosts.entries())
      await host.hook(`ban 203.0.113.${index + 1} --jail sshd --wait`);
    const inside = (...numbers: readonly number[]) =>
      until(
        () =>
          JSON.stringify(listed().toSorted()) ===
          JSON.stringify(numbers.map((number) => `203.0.113.${number} Fail2Ban sshd host:web`)),
        { deadlineMs, what: () => `${listed().join(", ")}\n${web.story()}` },
      );
    await inside(2, 3);
    expect((await hosts[0].status()).outForCapacity).toBe(1);
    expect((await hosts[1].list()).map(({ address, state }) => [address, state])).toEqual([
      ["203.0.113.1", "outside"],
      ["203.0.113.2", "blocked"],
      ["203.0.113.3", "blocked"],
    ]);
    await hosts[2].hook("unban 203.0.113.3 --jail sshd");
    await inside(1, 2);
    expect(edge.violations).toEqual([]);
  }, 90_000);

  test("status counts the jails of all hosts, and sync on any of them mends the edge for all", async () => {
    await using web = await fleet(pg());
    const [one, two, three] = web.hosts;
    for (const host of [one, two]) await host.hook("ban 203.0.113.1 --jail sshd --wait");
    await two.hook("ban 203.0.113.2 --jail nginx --wait");
    const counted = async () =>
      (await three.status()).jails.map(({ jail, held, bansOfDay }) => [jail, held, bansOfDay]);
    const expected = JSON.stringify([
      ["sshd", 2, 2],
      ["nginx", 1, 1],
    ]);
    await until(async () => JSON.stringify(await counted()) === expected, { deadlineMs, what: web.story });
    for (const { id } of web.edge.rules()) web.edge.remove(id);
    expect((await three.run("sync --dry-run")).stdout).toContain("+ 203.0.113.2 at zone example.com");
    expect(web.edge.rules()).toEqual([]);
    expect((await three.run("sync")).code).toBe(0);
    expect(web.edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2"]);
    // A courier that waits for its next try makes way for a person's command on any server.
    web.edge.fail({ kind: "status", status: 500 }, { times: Number.POSITIVE_INFINITY });
    await one.hook("ban 203.0.113.3 --jail sshd");
    await until(async () => (await three.status()).pauses.length > 0, { deadlineMs, what: web.story });
    web.edge.heal();
    expect((await three.run("deliver --once")).code).toBe(0);
    expect(web.edge.blocked()).toEqual(["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
  }, 90_000);

  test("a host that is purged lets go of its own, and the last of a fleet removes all of it", async () => {
    await using web = await fleet(pg());
    const [one, two, three] = web.hosts;
    await one.hook("ban 203.0.113.1 --jail sshd --wait");
    await two.hook("ban 203.0.113.1 --jail sshd --wait");
    await two.hook("ban 203.0.113.2 --jail sshd --wait");
    web.edge.plant(web.edge.zone.scope, { value: "203.0.113.9", notes: "Fail2Ban old host:web" });
    await purge(two);
    expect(web.edge.blocked()).toEqual(["203.0.113.1", "203.0.113.9"]);
    await two.kill();
    await purge(two);
    expect((await one.status()).fleet.hosts.map(({ host }) => host)).toEqual(["web1"]);
    await purge(one);
    expect(web.edge.blocked()).toEqual([]);
    expect(await three.list()).toEqual([]);
  }, 90_000);
});

/** What is documented of metrics. */
const documented = readFileSync(join(import.meta.dir, "../../docs/metrics.md"), "utf8");

function wordsOf([, ...words]: readonly string[]): string {
  return words.join(" ");
}

/** As `uninstall --purge` does it. */
function purge({ configPath }: FleetHost): Promise<void> {
  return purgeEdge({ runtime: testRuntime({ fetch }), configPath });
}
